#include "runtime/resources.h"

#include <cerrno>

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
    if (!resources.cpus.empty()) TRY(cgroup.set("cpuset.cpus", resources.cpus));
    if (!resources.mems.empty()) TRY(cgroup.set("cpuset.mems", resources.mems));
    return {};
}

Result<void> fill(const sys::Cgroup& cgroup, const Resources& resources) {
    TRY(apply_resources(cgroup, resources));
    if (!allows_everything(resources.devices)) TRY(attach_device_filter(cgroup.fd(), resources.devices));
    return {};
}

}  // namespace

Result<void> apply_resources(const sys::Cgroup& cgroup, const Resources& resources) {
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
