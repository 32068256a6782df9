// The member "linux" of config.json.
#include <algorithm>

#include "runtime/names.h"
#include "runtime/spec_decode.h"

namespace diatom::runtime {
namespace {

constexpr std::uint64_t kMaxNanoseconds = 999'999'999;

Result<Namespace> decode_namespace(const Section::Item& item) {
    const auto section = TRY(item.open({{"type", "path"}}));
    const auto type = TRY(section.text("type"));
    const auto* known = std::ranges::find(kNamespaceNames, type, &std::pair<std::string_view, NamespaceKind>::first);
    if (known == kNamespaceNames.end())
        return fail(Kind::invalid, "{}.type: no such namespace: \"{}\"", item.path, type);
    return Namespace{.kind = known->second, .path = TRY(section.text("path"))};
}

Result<Device> decode_device(const Section::Item& item) {
    const auto section = TRY(item.open({{"path", "type", "major", "minor", "fileMode", "uid", "gid"}}));
    return Device{.path = TRY(section.text("path")),
                  .type = TRY(decode_letter(section, "type", "cbup", 'c')),
                  .major = TRY(section.integer("major")),
                  .minor = TRY(section.integer("minor")),
                  .mode = static_cast<std::uint32_t>(TRY(section.natural("fileMode", 0666))) & 07777U,
                  .uid = TRY(section.natural32("uid")),
                  .gid = TRY(section.natural32("gid"))};
}

Result<SeccompRule> decode_rule(const Section::Item& item) {
    const auto entry = TRY(item.open({{"names", "action", "errnoRet", "args"}}));
    SeccompRule rule{.names = TRY(entry.strings("names")), .action = TRY(entry.text("action"))};
    if (entry.has("errnoRet")) rule.errno_value = TRY(entry.natural32("errnoRet"));
    for (const auto& arg_item : TRY(entry.items("args"))) {
        const auto arg = TRY(arg_item.open({{"index", "value", "valueTwo", "op"}}));
        rule.args.push_back({.index = static_cast<unsigned>(TRY(arg.natural("index", 0, 5))),
                             .value = TRY(arg.natural("value")),
                             .value_two = TRY(arg.natural("valueTwo")),
                             .op = TRY(arg.text("op"))});
    }
    return rule;
}

Result<std::vector<TimeOffset>> decode_time_offsets(const Section& section) {
    const auto clocks = TRY(section.child("timeOffsets", {{"monotonic", "boottime"}}));
    std::vector<TimeOffset> offsets;
    for (const auto* clock : {"monotonic", "boottime"}) {
        if (!clocks.has(clock)) continue;
        const auto entry = TRY(clocks.child(clock, {{"secs", "nanosecs"}}));
        offsets.push_back(
            {.clock = clock,
             .seconds = TRY(entry.integer("secs")),
             .nanoseconds = static_cast<std::uint32_t>(TRY(entry.natural("nanosecs", 0, kMaxNanoseconds)))});
    }
    return offsets;
}

Result<std::string> decode_personality(const Section& section) {
    const auto entry = TRY(section.child("personality", {.known = {"domain"}, .unsupported = {"flags"}}));
    auto domain = TRY(entry.text("domain"));
    if (domain.empty() || domain == "LINUX" || domain == "LINUX32") return domain;
    return fail(Kind::invalid, "{} is \"{}\": it must be LINUX or LINUX32", entry.path_of("domain"), domain);
}

}  // namespace

Result<std::vector<IdMapping>> decode_mappings(const Section& section, std::string_view key) {
    std::vector<IdMapping> mappings;
    for (const auto& item : TRY(section.items(key))) {
        const auto entry = TRY(item.open({{"containerID", "hostID", "size"}}));
        mappings.push_back({.container = TRY(entry.natural32("containerID")),
                            .host = TRY(entry.natural32("hostID")),
                            .size = TRY(entry.natural32("size"))});
    }
    return mappings;
}

Result<Seccomp> decode_seccomp(const Section& linux_section) {
    const auto section =
        TRY(linux_section.child("seccomp", {{"defaultAction", "defaultErrnoRet", "architectures", "flags", "syscalls",
                                             "listenerPath", "listenerMetadata"}}));
    Seccomp seccomp;
    seccomp.default_action = TRY(section.text("defaultAction"));
    if (section.has("defaultErrnoRet")) seccomp.default_errno = TRY(section.natural32("defaultErrnoRet"));
    seccomp.architectures = TRY(section.strings("architectures"));
    seccomp.flags = TRY(section.strings("flags"));
    seccomp.listener_path = TRY(section.text("listenerPath"));
    seccomp.listener_metadata = TRY(section.text("listenerMetadata"));
    for (const auto& item : TRY(section.items("syscalls"))) seccomp.rules.push_back(TRY(decode_rule(item)));
    return seccomp;
}

Result<void> decode_linux(const Section& config, Spec& spec) {
    const auto section =
        TRY(config.child("linux", {.known = {"namespaces", "uidMappings", "gidMappings", "devices", "cgroupsPath",
                                             "resources", "seccomp", "maskedPaths", "readonlyPaths", "sysctl",
                                             "rootfsPropagation", "timeOffsets", "personality"},
                                   .unsupported = {"intelRdt", "mountLabel", "netDevices", "memoryPolicy"}}));
    for (const auto& item : TRY(section.items("namespaces"))) {
        const auto entry = TRY(decode_namespace(item));
        if (std::ranges::contains(spec.namespaces, entry.kind, &Namespace::kind)) {
            return fail(Kind::invalid, "{}: \"{}\" is there already", item.path, name_of(kNamespaceNames, entry.kind));
        }
        spec.namespaces.push_back(entry);
    }
    spec.uid_mappings = TRY(decode_mappings(section, "uidMappings"));
    spec.gid_mappings = TRY(decode_mappings(section, "gidMappings"));
    for (const auto& item : TRY(section.items("devices"))) spec.devices.push_back(TRY(decode_device(item)));
    spec.cgroup = TRY(section.text("cgroupsPath"));
    while (spec.cgroup.starts_with('/')) spec.cgroup.erase(0, 1);
    spec.resources = TRY(decode_resources(section, "resources"));
    if (section.has("seccomp")) spec.seccomp = TRY(decode_seccomp(section));
    spec.masked_paths = TRY(section.strings("maskedPaths"));
    spec.readonly_paths = TRY(section.strings("readonlyPaths"));
    spec.sysctl = TRY(section.string_map("sysctl"));
    spec.rootfs_propagation = TRY(section.text("rootfsPropagation"));
    spec.time_offsets = TRY(decode_time_offsets(section));
    spec.personality = TRY(decode_personality(section));
    return {};
}

}  // namespace diatom::runtime
