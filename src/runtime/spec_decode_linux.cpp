// The member "linux" of config.json.
#include <algorithm>

#include "base/strings.h"
#include "runtime/names.h"
#include "runtime/spec_decode.h"

namespace diatom::runtime {

std::uint64_t cpu_weight_of_shares(std::uint64_t shares) {
    const std::uint64_t bounded = std::clamp<std::uint64_t>(shares, 2, 262144);
    return 1 + (bounded - 2) * 9999 / 262142;
}

namespace {

constexpr std::int64_t kUnlimited = -1;

Result<Namespace> decode_namespace(const Section::Item& item) {
    const auto section = TRY(Section::open(*item.value, item.path, {{"type", "path"}}));
    const auto type = TRY(section.text("type"));
    const auto* known = std::ranges::find(kNamespaceNames, type, &std::pair<std::string_view, NamespaceKind>::first);
    if (known == kNamespaceNames.end())
        return fail(Kind::invalid, "{}.type: no such namespace: \"{}\"", item.path, type);
    return Namespace{.kind = known->second, .path = TRY(section.text("path"))};
}

Result<std::vector<IdMapping>> decode_mappings(const Section& section, std::string_view key) {
    std::vector<IdMapping> mappings;
    for (const auto& item : TRY(section.items(key))) {
        const auto entry = TRY(Section::open(*item.value, item.path, {{"containerID", "hostID", "size"}}));
        mappings.push_back({.container = TRY(entry.natural32("containerID")),
                            .host = TRY(entry.natural32("hostID")),
                            .size = TRY(entry.natural32("size"))});
    }
    return mappings;
}

Result<Device> decode_device(const Section::Item& item) {
    const auto section =
        TRY(Section::open(*item.value, item.path, {{"path", "type", "major", "minor", "fileMode", "uid", "gid"}}));
    return Device{.path = TRY(section.text("path")),
                  .type = TRY(decode_letter(section, "type", "cbup", 'c')),
                  .major = TRY(section.integer("major")),
                  .minor = TRY(section.integer("minor")),
                  .mode = static_cast<std::uint32_t>(TRY(section.natural("fileMode", 0666, 07777))),
                  .uid = TRY(section.natural32("uid")),
                  .gid = TRY(section.natural32("gid"))};
}

Result<DeviceRule> decode_device_rule(const Section::Item& item) {
    const auto section = TRY(Section::open(*item.value, item.path, {{"allow", "type", "major", "minor", "access"}}));
    DeviceRule rule{.allow = TRY(section.boolean("allow")),
                    .type = TRY(decode_letter(section, "type", "abc", 'a')),
                    .major = TRY(section.integer("major", kUnlimited)),
                    .minor = TRY(section.integer("minor", kUnlimited)),
                    .access = TRY(section.text("access", "rwm"))};
    if (rule.access.empty()) rule.access = "rwm";
    if (rule.access.find_first_not_of("rwm") != std::string::npos) {
        return fail(Kind::invalid, "{} is \"{}\": it must be of the letters r, w and m", section.path_of("access"),
                    rule.access);
    }
    return rule;
}

// Version 1 counts memory and swap together, version 2 swap alone.
Result<void> convert_swap(const Section& memory, Resources& resources) {
    const auto total = TRY(memory.optional_integer("swap"));
    if (!total || *total == 0) return {};
    if (*total == kUnlimited) {
        resources.swap_max = kUnlimited;
        return {};
    }
    const auto limit = resources.memory_max.value_or(kUnlimited);
    if (limit < 0 || *total < limit) {
        return fail(Kind::invalid, "{} is memory and swap together: it must not be less than limit, which must be set",
                    memory.path_of("swap"));
    }
    resources.swap_max = *total - limit;
    return {};
}

Result<void> decode_memory(const Json& value, const std::string& path, Resources& resources) {
    const auto memory =
        TRY(Section::open(value, path,
                          {.known = {"limit", "reservation", "swap", "checkBeforeUpdate"},
                           .unsupported = {"kernel", "kernelTCP", "swappiness", "disableOOMKiller", "useHierarchy"}}));
    resources.memory_max = TRY(memory.optional_integer("limit"));
    resources.memory_low = TRY(memory.optional_integer("reservation"));
    return convert_swap(memory, resources);
}

Result<void> decode_cpu(const Json& value, const std::string& path, Resources& resources) {
    const auto cpu = TRY(Section::open(value, path,
                                       {.known = {"shares", "quota", "period", "cpus", "mems"},
                                        .unsupported = {"burst", "realtimeRuntime", "realtimePeriod", "idle"}}));
    const auto shares = TRY(cpu.natural("shares"));
    if (shares != 0) resources.cpu_weight = cpu_weight_of_shares(shares);
    const auto quota = TRY(cpu.integer("quota"));
    if (quota > 0) resources.cpu_quota_us = static_cast<std::uint64_t>(quota);  // 0 and -1: none
    resources.cpu_period_us = TRY(cpu.optional_natural("period"));
    resources.cpus = TRY(cpu.text("cpus"));
    resources.mems = TRY(cpu.text("mems"));
    return {};
}

}  // namespace

Result<Resources> decode_resources(const Json& value, const std::string& path) {
    const auto section = TRY(Section::open(value, path,
                                           {.known = {"memory", "cpu", "pids", "unified", "devices", "diatom"},
                                            .unsupported = {"blockIO", "hugepageLimits", "network", "rdma"}}));
    Resources resources;
    TRY(decode_memory(section.member("memory"), section.path_of("memory"), resources));
    TRY(decode_cpu(section.member("cpu"), section.path_of("cpu"), resources));
    const auto pids = TRY(Section::open(section.member("pids"), section.path_of("pids"), {{"limit"}}));
    resources.pids_max = TRY(pids.optional_integer("limit"));
    resources.unified = TRY(section.string_map("unified"));
    for (const auto& item : TRY(section.items("devices"))) resources.devices.push_back(TRY(decode_device_rule(item)));
    const auto ours = TRY(
        Section::open(section.member("diatom"), section.path_of("diatom"), {{"memoryHigh", "swapMax", "cpuWeight"}}));
    resources.memory_high = TRY(ours.optional_integer("memoryHigh"));
    if (ours.has("swapMax")) resources.swap_max = TRY(ours.integer("swapMax"));
    if (ours.has("cpuWeight")) resources.cpu_weight = TRY(ours.natural("cpuWeight"));
    return resources;
}

Result<Seccomp> decode_seccomp(const Json& value, const std::string& path) {
    const auto section =
        TRY(Section::open(value, path,
                          {.known = {"defaultAction", "defaultErrnoRet", "architectures", "flags", "syscalls"},
                           .unsupported = {"listenerPath", "listenerMetadata"}}));
    Seccomp seccomp;
    seccomp.default_action = TRY(section.text("defaultAction"));
    if (section.has("defaultErrnoRet")) seccomp.default_errno = TRY(section.natural32("defaultErrnoRet"));
    seccomp.architectures = TRY(section.strings("architectures"));
    seccomp.flags = TRY(section.strings("flags"));
    for (const auto& item : TRY(section.items("syscalls"))) {
        const auto entry = TRY(Section::open(*item.value, item.path, {{"names", "action", "errnoRet", "args"}}));
        SeccompRule rule{.names = TRY(entry.strings("names")), .action = TRY(entry.text("action"))};
        if (entry.has("errnoRet")) rule.errno_value = TRY(entry.natural32("errnoRet"));
        for (const auto& arg_item : TRY(entry.items("args"))) {
            const auto arg = TRY(Section::open(*arg_item.value, arg_item.path, {{"index", "value", "valueTwo", "op"}}));
            rule.args.push_back({.index = static_cast<unsigned>(TRY(arg.natural("index", 0, 5))),
                                 .value = TRY(arg.natural("value")),
                                 .value_two = TRY(arg.natural("valueTwo")),
                                 .op = TRY(arg.text("op"))});
        }
        seccomp.rules.push_back(std::move(rule));
    }
    return seccomp;
}

Result<void> decode_linux(const Json& value, Spec& spec) {
    const auto section = TRY(Section::open(
        value, "linux",
        {.known = {"namespaces", "uidMappings", "gidMappings", "devices", "cgroupsPath", "resources", "seccomp",
                   "maskedPaths", "readonlyPaths", "sysctl", "rootfsPropagation"},
         .unsupported = {"intelRdt", "mountLabel", "personality", "timeOffsets", "netDevices", "memoryPolicy"}}));
    for (const auto& item : TRY(section.items("namespaces"))) spec.namespaces.push_back(TRY(decode_namespace(item)));
    spec.uid_mappings = TRY(decode_mappings(section, "uidMappings"));
    spec.gid_mappings = TRY(decode_mappings(section, "gidMappings"));
    for (const auto& item : TRY(section.items("devices"))) spec.devices.push_back(TRY(decode_device(item)));
    spec.cgroup = TRY(section.text("cgroupsPath"));
    while (spec.cgroup.starts_with('/')) spec.cgroup.erase(0, 1);
    spec.resources = TRY(decode_resources(section.member("resources"), "linux.resources"));
    if (section.has("seccomp")) spec.seccomp = TRY(decode_seccomp(section.member("seccomp"), "linux.seccomp"));
    spec.masked_paths = TRY(section.strings("maskedPaths"));
    spec.readonly_paths = TRY(section.strings("readonlyPaths"));
    spec.sysctl = TRY(section.string_map("sysctl"));
    spec.rootfs_propagation = TRY(section.text("rootfsPropagation"));
    return {};
}

}  // namespace diatom::runtime
