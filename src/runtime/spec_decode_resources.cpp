// The member "linux.resources" of config.json: limits of version 1 of cgroups in words of version 2.
#include <algorithm>
#include <array>

#include "runtime/spec_decode.h"

namespace diatom::runtime {

std::uint64_t cpu_weight_of_shares(std::uint64_t shares) {
    const std::uint64_t bounded = std::clamp<std::uint64_t>(shares, 2, 262144);
    return 1 + (bounded - 2) * 9999 / 262142;
}

namespace {

constexpr std::int64_t kUnlimited = -1;

Result<DeviceRule> decode_device_rule(const Section::Item& item) {
    const auto section = TRY(item.open({{"allow", "type", "major", "minor", "access"}}));
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

Result<void> decode_memory(const Section& parent, Resources& resources) {
    // useHierarchy is what version 2 does anyway.
    const auto memory =
        TRY(parent.child("memory", {.known = {"limit", "reservation", "swap", "checkBeforeUpdate", "useHierarchy"},
                                    .unsupported = {"kernel", "kernelTCP", "swappiness", "disableOOMKiller"}}));
    // 0 asks for no change, as in version 1, not for no memory.
    if (const auto limit = TRY(memory.integer("limit")); limit != 0) resources.memory_max = limit;
    if (const auto low = TRY(memory.integer("reservation")); low != 0) resources.memory_low = low;
    resources.check_memory = TRY(memory.boolean("checkBeforeUpdate"));
    return convert_swap(memory, resources);
}

Result<void> decode_cpu(const Section& parent, Resources& resources) {
    const auto cpu = TRY(parent.child("cpu", {.known = {"shares", "quota", "period", "cpus", "mems", "burst", "idle"},
                                              .unsupported = {"realtimeRuntime", "realtimePeriod"}}));
    const auto shares = TRY(cpu.natural("shares"));
    if (shares != 0) resources.cpu_weight = cpu_weight_of_shares(shares);
    const auto quota = TRY(cpu.integer("quota"));
    if (quota > 0) resources.cpu_quota_us = static_cast<std::uint64_t>(quota);  // 0 and -1: none
    const auto period = TRY(cpu.natural("period"));
    if (period != 0) resources.cpu_period_us = period;
    resources.cpu_burst_us = TRY(cpu.optional_natural("burst"));
    resources.cpu_idle = TRY(cpu.optional_integer("idle"));
    resources.cpus = TRY(cpu.text("cpus"));
    resources.mems = TRY(cpu.text("mems"));
    return {};
}

Result<void> decode_block_list(const Section& block, std::string_view key, std::string_view value_key,
                               std::string_view word, Resources& resources) {
    for (const auto& item : TRY(block.items(key))) {
        const bool weights = word == "weight";
        const auto entry =
            TRY(weights ? item.open({.known = {"major", "minor", "weight"}, .unsupported = {"leafWeight"}})
                        : item.open({{"major", "minor", "rate"}}));
        resources.io_limits.push_back({.major = TRY(entry.integer("major")),
                                       .minor = TRY(entry.integer("minor")),
                                       .key = std::string(word),
                                       .value = TRY(entry.natural(value_key))});
    }
    return {};
}

Result<void> decode_block(const Section& parent, Resources& resources) {
    const auto block = TRY(
        parent.child("blockIO", {.known = {"weight", "weightDevice", "throttleReadBpsDevice", "throttleWriteBpsDevice",
                                           "throttleReadIOPSDevice", "throttleWriteIOPSDevice"},
                                 .unsupported = {"leafWeight"}}));
    const auto weight = TRY(block.natural("weight", 0, 1000));
    if (weight != 0) resources.io_weight = weight;
    TRY(decode_block_list(block, "weightDevice", "weight", "weight", resources));
    TRY(decode_block_list(block, "throttleReadBpsDevice", "rate", "rbps", resources));
    TRY(decode_block_list(block, "throttleWriteBpsDevice", "rate", "wbps", resources));
    TRY(decode_block_list(block, "throttleReadIOPSDevice", "rate", "riops", resources));
    return decode_block_list(block, "throttleWriteIOPSDevice", "rate", "wiops", resources);
}

Result<void> decode_hugepages(const Section& parent, Resources& resources) {
    for (const auto& item : TRY(parent.items("hugepageLimits"))) {
        const auto entry = TRY(item.open({{"pageSize", "limit"}}));
        HugepageLimit limit{.page_size = TRY(entry.text("pageSize")), .limit = TRY(entry.natural("limit"))};
        if (limit.page_size.find_first_not_of("0123456789KMGB") != std::string::npos || limit.page_size.empty()) {
            return fail(Kind::invalid, "{} is \"{}\": it must be a size as \"2MB\"", entry.path_of("pageSize"),
                        limit.page_size);
        }
        resources.hugepages.push_back(std::move(limit));
    }
    return {};
}

Result<void> decode_rdma(const Section& parent, Resources& resources) {
    const Json& devices = parent.member("rdma");
    if (devices.is_null()) return {};
    if (!devices.is_object()) return fail(Kind::invalid, "{} must be an object", parent.path_of("rdma"));
    for (const auto& [device, limits] : devices.items()) {
        const auto entry = TRY(Section::open(limits, std::format("{}.{}", parent.path_of("rdma"), device),
                                             {{"hcaHandles", "hcaObjects"}}));
        RdmaLimit limit{.device = device};
        if (entry.has("hcaHandles")) limit.handles = TRY(entry.natural32("hcaHandles"));
        if (entry.has("hcaObjects")) limit.objects = TRY(entry.natural32("hcaObjects"));
        resources.rdma.push_back(std::move(limit));
    }
    return {};
}

Result<void> decode_ours(const Section& parent, Resources& resources) {
    const auto ours = TRY(parent.child("diatom", {{"memoryHigh", "swapMax", "cpuWeight"}}));
    resources.memory_high = TRY(ours.optional_integer("memoryHigh"));
    if (ours.has("swapMax")) resources.swap_max = TRY(ours.integer("swapMax"));
    if (ours.has("cpuWeight")) resources.cpu_weight = TRY(ours.natural("cpuWeight"));
    return {};
}

Result<Resources> read(const Section& section) {
    Resources resources;
    TRY(decode_memory(section, resources));
    TRY(decode_cpu(section, resources));
    const auto pids = TRY(section.child("pids", {{"limit"}}));
    resources.pids_max = TRY(pids.optional_integer("limit"));
    TRY(decode_block(section, resources));
    TRY(decode_hugepages(section, resources));
    TRY(decode_rdma(section, resources));
    resources.unified = TRY(section.string_map("unified"));
    for (const auto& item : TRY(section.items("devices"))) resources.devices.push_back(TRY(decode_device_rule(item)));
    TRY(decode_ours(section, resources));
    return resources;
}

constexpr Section::Keys kKeys{
    .known = {"memory", "cpu", "pids", "blockIO", "hugepageLimits", "rdma", "unified", "devices", "diatom"},
    .unsupported = {"network"}};

}  // namespace

Result<Resources> decode_resources(const Section& parent, std::string_view key) {
    return read(TRY(parent.child(key, kKeys)));
}

Result<Resources> decode_resources(const Json& document, UnknownFields unknown) {
    return read(TRY(Section::open(document, "resources", kKeys, unknown)));
}

}  // namespace diatom::runtime
