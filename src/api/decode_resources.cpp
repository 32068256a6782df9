#include <sys/sysinfo.h>

#include <algorithm>
#include <optional>
#include <set>

#include "api/decode.h"
#include "base/strings.h"
#include "sys/file.h"

namespace diatom::api {
namespace {

Result<void> decode_memory(const Json& host, runtime::Resources& resources) {
    const auto memory = TRY(json_int(host, "Memory"));
    const auto swap = TRY(json_int(host, "MemorySwap"));
    const auto reservation = TRY(json_int(host, "MemoryReservation"));
    if (memory != 0) resources.memory_max = memory;
    if (memory > 0 && swap == 0) resources.swap_max = memory;  // Docker's default: as much again
    if (swap == -1) {
        resources.swap_max = -1;
    } else if (swap > 0) {
        if (memory == 0)
            return fail(Kind::invalid, "You should always set the Memory limit when using Memoryswap limit");
        if (swap < memory) return fail(Kind::invalid, "Minimum memoryswap limit should be larger than memory limit");
        resources.swap_max = swap - memory;  // cgroup v2 counts swap alone
    }
    if (memory > 0 && reservation > memory)
        return fail(Kind::invalid, "Minimum memory limit can not be less than memory reservation limit, see usage");
    if (reservation > 0) resources.memory_low = reservation;
    return {};
}

// "0-2,5"; nothing for anything else.
std::optional<std::set<std::uint64_t>> parse_set(std::string_view text) {
    constexpr std::uint64_t kMost = 8192;
    std::set<std::uint64_t> members;
    for (const auto part : split(text, ',')) {
        const auto ends = cut(part, '-').value_or(Halves{part, part});
        const auto first = parse_uint(ends.first), last = parse_uint(ends.second);
        if (!first || !last || *first > *last || *last > kMost) return std::nullopt;
        for (auto i = *first; i <= *last; ++i) members.insert(i);
    }
    return members;
}

Result<void> check_set(const std::string& text, std::string_view what, const char* online) {
    if (text.empty()) return {};
    const auto wanted = parse_set(text);
    if (!wanted) return fail(Kind::invalid, "Invalid value {} for cpuset {}", text, what);
    const std::string listed(trim(sys::read_file(online).value_or("0")));
    const auto available = parse_set(listed);
    if (!available || std::ranges::includes(*available, *wanted)) return {};
    return fail(Kind::invalid, "Requested {} are not available - requested {}, available: {}",
                what == "cpus" ? "CPUs" : "memory nodes", text, listed);
}

Result<void> decode_cpu(const Json& host, runtime::Resources& resources) {
    const auto shares = TRY(json_int(host, "CpuShares"));
    if (shares < 0) return fail(Kind::invalid, "invalid CPU shares ({}): value must be a positive integer", shares);
    if (shares > 0) resources.cpu_weight = runtime::cpu_weight_of_shares(static_cast<std::uint64_t>(shares));
    const auto nano = TRY(json_int(host, "NanoCpus"));
    const auto quota = TRY(json_int(host, "CpuQuota"));
    const auto period = TRY(json_int(host, "CpuPeriod"));
    if (nano < 0 || period < 0) return fail(Kind::invalid, "CPU limits cannot be negative");
    if (const auto most = static_cast<std::int64_t>(::get_nprocs()); nano > most * 1'000'000'000) {
        return fail(Kind::invalid, "range of CPUs is from 0.01 to {}.00, as there are only {} CPUs available", most,
                    most);
    }
    if (nano > 0 && (quota != 0 || period != 0))
        return fail(Kind::invalid, "Conflicting options: Nano CPUs and CPU Period or Quota cannot both be set");
    if (nano > 0) {
        resources.cpu_period_us = 100'000;
        resources.cpu_quota_us = static_cast<std::uint64_t>(nano / 10'000);
    } else {
        if (quota > 0) resources.cpu_quota_us = static_cast<std::uint64_t>(quota);
        if (period > 0) resources.cpu_period_us = static_cast<std::uint64_t>(period);
    }
    resources.cpus = TRY(json_string(host, "CpusetCpus"));
    resources.mems = TRY(json_string(host, "CpusetMems"));
    TRY(check_set(resources.cpus, "cpus", "/sys/devices/system/cpu/online"));
    TRY(check_set(resources.mems, "mems", "/sys/devices/system/node/online"));
    return {};
}

Result<void> decode_block_weight(const Json& host, runtime::Resources& resources) {
    const auto weight = TRY(json_int(host, "BlkioWeight"));
    TRY(check_block_weight(weight));
    if (weight != 0) resources.io_weight = static_cast<std::uint64_t>(weight);
    return {};
}

Result<void> decode_ulimits(const Json& host, engine::ContainerConfig& config) {
    const Json& ulimits = json_member(host, "Ulimits");
    if (ulimits.is_null()) return {};
    if (!ulimits.is_array()) return fail(Kind::invalid, "\"Ulimits\" must be a list");
    for (const auto& item : ulimits) {
        const auto name = TRY(json_string(item, "Name"));
        std::string type = "RLIMIT_";
        for (const char c : name) type += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        const auto soft = TRY(json_int(item, "Soft")), hard = TRY(json_int(item, "Hard"));
        if (hard != -1 && (soft == -1 || soft > hard)) {
            return fail(Kind::invalid, "ulimit {}: the soft limit {} exceeds the hard limit {}", name, soft, hard);
        }
        config.ulimits.push_back({type, static_cast<std::uint64_t>(soft), static_cast<std::uint64_t>(hard)});
    }
    return {};
}

}  // namespace

Result<void> check_block_weight(std::int64_t weight) {
    if (weight != 0 && (weight < 10 || weight > 1000))
        return fail(Kind::invalid, "Range of blkio weight is from 10 to 1000");
    return {};
}

Result<void> decode_resources(const Json& host, engine::ContainerConfig& config) {
    TRY(decode_memory(host, config.resources));
    TRY(decode_cpu(host, config.resources));
    TRY(decode_block_weight(host, config.resources));
    const auto pids = TRY(json_int(host, "PidsLimit"));
    if (pids > 0) config.resources.pids_max = pids;
    return decode_ulimits(host, config);
}

}  // namespace diatom::api
