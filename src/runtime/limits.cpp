#include "runtime/limits.h"

#include <sys/resource.h>

#include <array>
#include <cerrno>

#include "sys/file.h"

namespace diatom::runtime {
namespace {

constexpr std::array<std::pair<std::string_view, int>, 16> kLimits = {{
    {"RLIMIT_AS", RLIMIT_AS},
    {"RLIMIT_CORE", RLIMIT_CORE},
    {"RLIMIT_CPU", RLIMIT_CPU},
    {"RLIMIT_DATA", RLIMIT_DATA},
    {"RLIMIT_FSIZE", RLIMIT_FSIZE},
    {"RLIMIT_LOCKS", RLIMIT_LOCKS},
    {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
    {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
    {"RLIMIT_NICE", RLIMIT_NICE},
    {"RLIMIT_NOFILE", RLIMIT_NOFILE},
    {"RLIMIT_NPROC", RLIMIT_NPROC},
    {"RLIMIT_RSS", RLIMIT_RSS},
    {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
    {"RLIMIT_RTTIME", RLIMIT_RTTIME},
    {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    {"RLIMIT_STACK", RLIMIT_STACK},
}};

Result<int> resource_of(const Rlimit& limit) {
    for (const auto& [name, number] : kLimits) {
        if (name == limit.type) return number;
    }
    return fail(Kind::invalid, "no such resource limit: \"{}\"", limit.type);
}

Result<void> set(int resource, const rlimit& value, const Rlimit& limit) {
    if (::setrlimit(static_cast<__rlimit_resource>(resource), &value) < 0) {
        return fail_errno(errno, "set {} to {}:{}", limit.type, limit.soft, limit.hard);
    }
    return {};
}

}  // namespace

Result<void> set_limits(const std::vector<Rlimit>& limits) {
    for (const auto& limit : limits) TRY(set(TRY(resource_of(limit)), rlimit{limit.soft, limit.hard}, limit));
    return {};
}

Result<void> raise_hard_limits(const std::vector<Rlimit>& limits) {
    for (const auto& limit : limits) {
        const int resource = TRY(resource_of(limit));
        rlimit value{};
        if (::getrlimit(static_cast<__rlimit_resource>(resource), &value) < 0)
            return fail_errno(errno, "read {}", limit.type);
        if (limit.hard <= value.rlim_max) continue;
        value.rlim_max = limit.hard;
        TRY(set(resource, value, limit));
    }
    return {};
}

Result<void> set_oom_score(const std::optional<int>& score) {
    if (!score) return {};
    return sys::write_control("/proc/self/oom_score_adj", std::to_string(*score));
}

}  // namespace diatom::runtime
