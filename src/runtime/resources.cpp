#include "runtime/resources.h"

#include <algorithm>
#include <cerrno>

#include "base/strings.h"
#include "runtime/device_filter.h"

namespace diatom::runtime {
namespace {

constexpr std::uint64_t kDefaultPeriod = 100'000;  // microseconds, the kernel's own

std::string limit_text(std::int64_t value) { return value < 0 ? "max" : std::to_string(value); }

Result<void> set_limit(const sys::Cgroup& cgroup, const char* file, const std::optional<std::int64_t>& value) {
    if (!value) return {};
    return cgroup.set(file, limit_text(*value));
}

Result<void> apply_cpu(const sys::Cgroup& cgroup, const Resources& resources) {
    if (resources.cpu_weight) TRY(cgroup.set("cpu.weight", std::to_string(*resources.cpu_weight)));
    if (resources.cpu_quota_us || resources.cpu_period_us) {
        const auto quota = resources.cpu_quota_us ? std::to_string(*resources.cpu_quota_us) : "max";
        TRY(cgroup.set("cpu.max", std::format("{} {}", quota, resources.cpu_period_us.value_or(kDefaultPeriod))));
    }
    // Version 2 wants the weight alone while idle is 0; burst may not be more than the quota, so it comes after.
    if (resources.cpu_burst_us) TRY(cgroup.set("cpu.max.burst", std::to_string(*resources.cpu_burst_us)));
    if (resources.cpu_idle) TRY(cgroup.set("cpu.idle", std::to_string(*resources.cpu_idle)));
    if (!resources.cpus.empty()) TRY(cgroup.set("cpuset.cpus", resources.cpus));
    if (!resources.mems.empty()) TRY(cgroup.set("cpuset.mems", resources.mems));
    return {};
}

// The runtime-spec's weight, 10 to 1000, onto io.weight, 1 to 10000: the conversion that runc and crun share.
std::uint64_t io_weight_of(std::uint64_t weight) {
    const std::uint64_t bounded = std::clamp<std::uint64_t>(weight, 10, 1000);
    return 1 + (bounded - 10) * 9999 / 990;
}

// BFQ, where the kernel has it, takes the weight as it is, in a file of its own.
Result<void> set_weight(const sys::Cgroup& cgroup, const std::string& device, std::uint64_t weight) {
    const auto prefix = device.empty() ? std::string() : device + " ";
    auto set = cgroup.set("io.bfq.weight", prefix + std::to_string(weight));
    if (set || set.error().error_number() != ENOENT) return set;
    return cgroup.set("io.weight", (device.empty() ? "default " : prefix) + std::to_string(io_weight_of(weight)));
}

Result<void> apply_io(const sys::Cgroup& cgroup, const Resources& resources) {
    if (resources.io_weight) TRY(set_weight(cgroup, "", *resources.io_weight));
    for (const auto& limit : resources.io_limits) {
        const auto device = std::format("{}:{}", limit.major, limit.minor);
        if (limit.key == "weight") TRY(set_weight(cgroup, device, limit.value));
        else TRY(cgroup.set("io.max", std::format("{} {}={}", device, limit.key, limit.value)));
    }
    return {};
}

Result<void> apply_rest(const sys::Cgroup& cgroup, const Resources& resources) {
    for (const auto& limit : resources.hugepages) {
        const auto file = std::format("hugetlb.{}.max", limit.page_size);
        TRY(cgroup.set(file, std::to_string(limit.limit)));
        // Reservations are limited too where the kernel counts them (Linux 5.7): else mmap takes what a fault may not.
        const auto reserved =
            cgroup.set(std::format("hugetlb.{}.rsvd.max", limit.page_size), std::to_string(limit.limit));
        if (!reserved && reserved.error().error_number() != ENOENT) return reserved;
    }
    for (const auto& limit : resources.rdma) {
        std::string line = limit.device;
        if (limit.handles) line += std::format(" hca_handle={}", *limit.handles);
        if (limit.objects) line += std::format(" hca_object={}", *limit.objects);
        TRY(cgroup.set("rdma.max", line));
    }
    return {};
}

Result<void> check_memory(const sys::Cgroup& cgroup, const Resources& resources) {
    if (!resources.check_memory || !resources.memory_max || *resources.memory_max < 0) return {};
    const auto text = TRY(cgroup.get("memory.current"));
    const auto used = parse_uint(trim(text)).value_or(0);
    if (used <= static_cast<std::uint64_t>(*resources.memory_max)) return {};
    return fail(Kind::conflict, "memory limit {} is below the {} bytes in use: the container would be killed",
                *resources.memory_max, used);
}

Result<void> fill(const sys::Cgroup& cgroup, const Resources& resources) {
    TRY(apply_resources(cgroup, resources));
    if (!allows_everything(resources.devices)) TRY(attach_device_filter(cgroup.fd(), resources.devices));
    return {};
}

}  // namespace

Result<void> apply_resources(const sys::Cgroup& cgroup, const Resources& resources) {
    TRY(check_memory(cgroup, resources));
    TRY(set_limit(cgroup, "memory.max", resources.memory_max));
    TRY(set_limit(cgroup, "memory.high", resources.memory_high));
    TRY(set_limit(cgroup, "memory.low", resources.memory_low));
    const auto swap = set_limit(cgroup, "memory.swap.max", resources.swap_max);
    // A kernel without swap has no such file, and nothing to limit.
    if (!swap && swap.error().error_number() != ENOENT) return swap;
    // runtime-spec: a limit of 0 is none either.
    if (resources.pids_max)
        TRY(cgroup.set("pids.max", limit_text(*resources.pids_max == 0 ? -1 : *resources.pids_max)));
    TRY(apply_cpu(cgroup, resources));
    TRY(apply_io(cgroup, resources));
    TRY(apply_rest(cgroup, resources));
    for (const auto& [file, value] : resources.unified) {
        if (file.empty() || file.contains('/') || file.starts_with('.') || file.starts_with("cgroup.procs")) {
            return fail(Kind::invalid, "cgroup {}: \"{}\" is no cgroup file that may be set", cgroup.path(), file);
        }
        TRY(cgroup.set(file, value));
    }
    return {};
}

Result<sys::Cgroup> make_cgroup(const std::string& path, const Resources& resources) {
    // An empty one of an earlier run goes first: its limits and device programs would hold beside the new ones.
    if (const auto stale = sys::Cgroup::open(path)) {
        if (TRY(stale->populated())) {
            return fail(Kind::conflict, "cgroup {} holds processes already: another container runs in it", path);
        }
        TRY(sys::Cgroup::remove(path));
    }
    auto cgroup = TRY(sys::Cgroup::create(path));
    if (auto filled = fill(cgroup, resources); !filled) {
        std::ignore = sys::Cgroup::remove(path);
        return forward_error(std::move(filled));
    }
    return cgroup;
}

}  // namespace diatom::runtime
