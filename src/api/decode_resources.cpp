#include "api/decode.h"
#include "base/strings.h"

namespace diatom::api {
namespace {

Result<void> decode_memory(const Json& host, runtime::Resources& resources) {
    const auto memory = TRY(json_int(host, "Memory"));
    const auto swap = TRY(json_int(host, "MemorySwap"));
    const auto reservation = TRY(json_int(host, "MemoryReservation"));
    if (memory != 0) resources.memory_max = memory;
    if (swap == -1) {
        resources.swap_max = -1;
    } else if (swap > 0) {
        if (memory == 0)
            return fail(Kind::invalid, "You should always set the Memory limit when using Memoryswap limit");
        if (swap < memory) return fail(Kind::invalid, "Minimum memoryswap limit should be larger than memory limit");
        resources.swap_max = swap - memory;  // cgroup v2 counts swap alone
    }
    if (reservation > 0) resources.memory_low = reservation;
    return {};
}

Result<void> decode_cpu(const Json& host, runtime::Resources& resources) {
    const auto shares = TRY(json_int(host, "CpuShares"));
    if (shares < 0) return fail(Kind::invalid, "\"CpuShares\" cannot be negative");
    if (shares > 0) resources.cpu_weight = runtime::cpu_weight_of_shares(static_cast<std::uint64_t>(shares));
    const auto nano = TRY(json_int(host, "NanoCpus"));
    const auto quota = TRY(json_int(host, "CpuQuota"));
    const auto period = TRY(json_int(host, "CpuPeriod"));
    if (nano < 0 || period < 0) return fail(Kind::invalid, "CPU limits cannot be negative");
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

Result<void> decode_resources(const Json& host, engine::ContainerConfig& config) {
    TRY(decode_memory(host, config.resources));
    TRY(decode_cpu(host, config.resources));
    const auto pids = TRY(json_int(host, "PidsLimit"));
    if (pids > 0) config.resources.pids_max = pids;
    return decode_ulimits(host, config);
}

}  // namespace diatom::api
