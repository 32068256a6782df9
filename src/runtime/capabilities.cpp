#include "runtime/capabilities.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/strings.h"

namespace diatom::runtime {
namespace {

// In the order of their numbers.
constexpr std::array<std::string_view, 41> kNames = {"CAP_CHOWN",
                                                     "CAP_DAC_OVERRIDE",
                                                     "CAP_DAC_READ_SEARCH",
                                                     "CAP_FOWNER",
                                                     "CAP_FSETID",
                                                     "CAP_KILL",
                                                     "CAP_SETGID",
                                                     "CAP_SETUID",
                                                     "CAP_SETPCAP",
                                                     "CAP_LINUX_IMMUTABLE",
                                                     "CAP_NET_BIND_SERVICE",
                                                     "CAP_NET_BROADCAST",
                                                     "CAP_NET_ADMIN",
                                                     "CAP_NET_RAW",
                                                     "CAP_IPC_LOCK",
                                                     "CAP_IPC_OWNER",
                                                     "CAP_SYS_MODULE",
                                                     "CAP_SYS_RAWIO",
                                                     "CAP_SYS_CHROOT",
                                                     "CAP_SYS_PTRACE",
                                                     "CAP_SYS_PACCT",
                                                     "CAP_SYS_ADMIN",
                                                     "CAP_SYS_BOOT",
                                                     "CAP_SYS_NICE",
                                                     "CAP_SYS_RESOURCE",
                                                     "CAP_SYS_TIME",
                                                     "CAP_SYS_TTY_CONFIG",
                                                     "CAP_MKNOD",
                                                     "CAP_LEASE",
                                                     "CAP_AUDIT_WRITE",
                                                     "CAP_AUDIT_CONTROL",
                                                     "CAP_SETFCAP",
                                                     "CAP_MAC_OVERRIDE",
                                                     "CAP_MAC_ADMIN",
                                                     "CAP_SYSLOG",
                                                     "CAP_WAKE_ALARM",
                                                     "CAP_BLOCK_SUSPEND",
                                                     "CAP_AUDIT_READ",
                                                     "CAP_PERFMON",
                                                     "CAP_BPF",
                                                     "CAP_CHECKPOINT_RESTORE"};
static_assert(kNames[CAP_SYS_ADMIN] == "CAP_SYS_ADMIN" && kNames.size() == CAP_LAST_CAP + 1);

using Data = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

}  // namespace

const std::vector<std::string>& all_capabilities() {
    static const std::vector<std::string> kAll(kNames.begin(), kNames.end());
    return kAll;
}

Result<CapabilityMask> capability_mask(const std::vector<std::string>& names) {
    CapabilityMask mask = 0;
    for (const auto& name : names) {
        const auto found = std::ranges::find(kNames, name);
        if (found == kNames.end()) {
            const auto meant = nearest(name, kNames);
            return fail(Kind::invalid, "no such capability: \"{}\"{}", name,
                        meant ? std::format(" (did you mean \"{}\"?)", *meant) : "");
        }
        mask |= CapabilityMask{1} << static_cast<unsigned>(found - kNames.begin());
    }
    return mask;
}

Result<CapabilitySets> capability_sets(const Capabilities& names) {
    return CapabilitySets{.bounding = TRY(capability_mask(names.bounding), "bounding capabilities"),
                          .effective = TRY(capability_mask(names.effective), "effective capabilities"),
                          .inheritable = TRY(capability_mask(names.inheritable), "inheritable capabilities"),
                          .permitted = TRY(capability_mask(names.permitted), "permitted capabilities"),
                          .ambient = TRY(capability_mask(names.ambient), "ambient capabilities")};
}

Result<CapabilityMask> permitted_capabilities() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    Data data{};
    if (::syscall(SYS_capget, &header, data.data()) < 0) return fail_errno(errno, "read capabilities");
    return data[0].permitted | CapabilityMask{data[1].permitted} << 32U;
}

Result<void> drop_bounding(CapabilityMask keep) {
    for (unsigned number = 0; number < kNames.size(); ++number) {
        if ((keep >> number & 1U) != 0) continue;
        // EINVAL: a kernel older than the capability, which then nobody has.
        if (::prctl(PR_CAPBSET_DROP, number, 0, 0, 0) < 0 && errno != EINVAL) {
            return fail_errno(errno, "drop {} from the bounding set", kNames[number]);
        }
    }
    return {};
}

Result<void> set_capabilities(CapabilityMask effective, CapabilityMask permitted, CapabilityMask inheritable) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    const auto low = [](CapabilityMask mask) { return static_cast<std::uint32_t>(mask); };
    const auto high = [](CapabilityMask mask) { return static_cast<std::uint32_t>(mask >> 32U); };
    Data data{
        {{low(effective), low(permitted), low(inheritable)}, {high(effective), high(permitted), high(inheritable)}}};
    if (::syscall(SYS_capset, &header, data.data()) < 0) return fail_errno(errno, "set capabilities");
    return {};
}

Result<void> raise_ambient(CapabilityMask ambient) {
    for (unsigned number = 0; number < kNames.size(); ++number) {
        if ((ambient >> number & 1U) == 0) continue;
        if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) < 0) {
            return fail_errno(errno, "raise ambient {}: it must be permitted and inheritable", kNames[number]);
        }
    }
    return {};
}

}  // namespace diatom::runtime
