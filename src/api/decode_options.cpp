// Fields of HostConfig that need a rule each: what is discarded with a warning, device rules, disks, groups, paths.
#include <sys/sysinfo.h>

#include <algorithm>
#include <array>

#include "api/decode.h"
#include "base/strings.h"

namespace diatom::api {
namespace {

// "c 189:* rwm"
Result<runtime::DeviceRule> decode_device_rule(const std::string& text) {
    const auto bad = [&] { return fail(Kind::invalid, "invalid device cgroup rule format: '{}'", text); };
    const auto words = split(text, ' ');
    if (words.size() != 3 || words[0].size() != 1 || !std::string_view("abc").contains(words[0][0])) return bad();
    const auto numbers = cut(words[1], ':');
    if (!numbers || words[2].empty() || words[2].size() > 3 || words[2].find_first_not_of("rwm") != words[2].npos)
        return bad();
    runtime::DeviceRule rule{.allow = true, .type = words[0][0], .access = std::string(words[2])};
    for (auto [half, number] : {std::pair(numbers->first, &rule.major), std::pair(numbers->second, &rule.minor)}) {
        if (half == "*") continue;
        const auto value = parse_uint(half);
        if (!value || *value > INT32_MAX) return bad();
        *number = static_cast<std::int64_t>(*value);
    }
    return rule;
}

struct DiskField {
    const char *field, *value, *key;
};
constexpr std::array kDiskFields = {
    DiskField{"BlkioDeviceReadBps", "Rate", "rbps"},    DiskField{"BlkioDeviceWriteBps", "Rate", "wbps"},
    DiskField{"BlkioDeviceReadIOps", "Rate", "riops"},  DiskField{"BlkioDeviceWriteIOps", "Rate", "wiops"},
    DiskField{"BlkioWeightDevice", "Weight", "weight"},
};

Result<void> decode_disks(const Json& host, engine::ContainerConfig& config) {
    for (const auto& [field, name, key] : kDiskFields) {
        const Json& list = json_member(host, field);
        if (list.is_null()) continue;
        if (!list.is_array()) return fail(Kind::invalid, "\"{}\" must be a list", field);
        for (const auto& item : list) {
            const auto path = TRY(json_string(item, "Path"));
            const auto value = TRY(json_int(item, name));
            if (!path.starts_with('/')) return fail(Kind::invalid, "{}: \"{}\" is no path of a disk", field, path);
            if (value < 0) return fail(Kind::invalid, "{}: the limit of {} cannot be negative", field, path);
            if (std::string_view(key) == "weight") TRY(check_block_weight(value));
            config.block_limits.push_back({.path = path, .key = key, .value = static_cast<std::uint64_t>(value)});
        }
    }
    return {};
}

// What version 2 of cgroups cannot do: Docker says so and goes on.
Result<void> decode_discarded(const Json& host, engine::ContainerConfig& config) {
    auto& warnings = config.warnings;
    if (TRY(json_bool(host, "OomKillDisable")))
        warnings.emplace_back("Your kernel does not support OomKillDisable. OomKillDisable discarded.");
    const auto swappiness = TRY(json_int(host, "MemorySwappiness", -1));
    if (swappiness < -1 || swappiness > 100)
        return fail(Kind::invalid, "Invalid value: {}, valid memory swappiness range is 0-100", swappiness);
    if (swappiness >= 0) {
        warnings.emplace_back(
            "Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. Memory "
            "swappiness discarded.");
    }
    if (TRY(json_int(host, "KernelMemory")) != 0)
        warnings.emplace_back("Your kernel does not support kernel memory limits. Kernel memory limit discarded.");
    return {};
}

Result<std::optional<std::vector<std::string>>> decode_paths(const Json& host, const char* key) {
    if (json_member(host, key).is_null()) return std::nullopt;
    auto paths = TRY(json_strings(host, key));
    for (const auto& path : paths) {
        if (!path.starts_with('/')) return fail(Kind::invalid, "{}: \"{}\" must be an absolute path", key, path);
    }
    return paths;
}

// A group below the engine's: "/web/front" and "web/front" are the same.
Result<std::string> decode_cgroup_parent(const Json& host) {
    const auto text = TRY(json_string(host, "CgroupParent"));
    if (text.ends_with(".slice"))
        return fail(Kind::invalid, "cgroup-parent for cgroupfs should not be specified as \"{}\": slices are systemd's",
                    text);
    std::string parent;
    for (const auto part : split(text, '/')) {
        if (part.empty()) continue;
        if (part.starts_with('.') || part.starts_with("cgroup."))
            return fail(Kind::invalid, "invalid cgroup-parent \"{}\": \"{}\" is no name of a group", text, part);
        parent += (parent.empty() ? "" : "/") + std::string(part);
    }
    return parent;
}

}  // namespace

Result<void> decode_options(const Json& host, engine::ContainerConfig& config) {
    TRY(decode_discarded(host, config));
    TRY(decode_disks(host, config));
    for (const auto& rule : TRY(json_strings(host, "DeviceCgroupRules")))
        config.device_rules.push_back(TRY(decode_device_rule(rule)));
    for (const auto& [key, value] : TRY(json_string_map(host, "Annotations"))) {
        if (key.empty())
            return fail(Kind::invalid, "invalid Annotations: the empty string is not permitted as an annotation key");
    }
    config.volumes_from = TRY(json_strings(host, "VolumesFrom"));
    config.cgroup_parent = TRY(decode_cgroup_parent(host));
    config.masked_paths = TRY(decode_paths(host, "MaskedPaths"));
    config.readonly_paths = TRY(decode_paths(host, "ReadonlyPaths"));
    return {};
}

}  // namespace diatom::api
