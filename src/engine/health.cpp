#include "engine/health.h"

#include <format>

namespace diatom::engine {
namespace {

using std::chrono::nanoseconds;

constexpr std::int64_t kSecond = 1'000'000'000, kLeast = 1'000'000;  // ns
constexpr std::int64_t kInterval = 30 * kSecond, kTimeout = 30 * kSecond, kStartInterval = 5 * kSecond;
constexpr std::int64_t kRetries = 3;

std::int64_t or_default(std::int64_t value, std::int64_t standard) { return value == 0 ? standard : value; }

Result<std::int64_t> decode_time(const Json& document, const char* key) {
    const auto value = TRY(json_int(document, key));
    if (value != 0 && value < kLeast) return fail(Kind::invalid, "{} in Healthcheck cannot be less than 1ms", key);
    return value;
}

}  // namespace

Result<HealthCheck> decode_health_check(const Json& document) {
    HealthCheck check;
    if (!document.is_object()) return fail(Kind::invalid, "\"Healthcheck\" must be an object");
    check.test = TRY(json_strings(document, "Test"));
    check.interval = TRY(decode_time(document, "Interval"));
    check.timeout = TRY(decode_time(document, "Timeout"));
    check.start_period = TRY(decode_time(document, "StartPeriod"));
    check.start_interval = TRY(decode_time(document, "StartInterval"));
    check.retries = TRY(json_int(document, "Retries"));
    if (check.retries < 0) return fail(Kind::invalid, "Retries in Healthcheck cannot be negative");
    const auto& test = check.test;
    if (test.empty() || test.front() == "NONE") return check;
    if (test.front() != "CMD" && test.front() != "CMD-SHELL") {
        return fail(Kind::invalid, "Unknown healthcheck type '{}': it must be NONE, CMD or CMD-SHELL", test.front());
    }
    if (test.size() < 2) return fail(Kind::invalid, "Healthcheck: {} needs a command", test.front());
    return check;
}

Result<void> merge_health_check(std::optional<HealthCheck>& own, const Json& image,
                                const std::vector<std::string>& shell) {
    if (image.is_object()) {
        const auto base = TRY(decode_health_check(image), "the image's health check");
        if (!own) own.emplace();
        if (own->test.empty()) own->test = base.test;
        own->interval = or_default(own->interval, base.interval);
        own->timeout = or_default(own->timeout, base.timeout);
        own->start_period = or_default(own->start_period, base.start_period);
        own->start_interval = or_default(own->start_interval, base.start_interval);
        own->retries = or_default(own->retries, base.retries);
    }
    if (own && own->shell.empty()) own->shell = shell;
    return {};
}

std::vector<std::string> probe_command(const std::optional<HealthCheck>& check) {
    if (!check || check->test.size() < 2 || check->test.front() == "NONE") return {};
    std::vector<std::string> command;
    if (check->test.front() == "CMD-SHELL") {
        command = check->shell.empty() ? std::vector<std::string>{"/bin/sh", "-c"} : check->shell;
    }
    command.insert(command.end(), check->test.begin() + 1, check->test.end());
    return command;
}

nanoseconds probe_timeout(const HealthCheck& check) { return nanoseconds(or_default(check.timeout, kTimeout)); }

nanoseconds probe_interval(const HealthCheck& check, const ContainerState& state, std::int64_t now) {
    const bool early = now - state.started < check.start_period && state.health.status == HealthStatus::starting;
    return nanoseconds(early ? or_default(check.start_interval, kStartInterval)
                             : or_default(check.interval, kInterval));
}

bool add_result(ContainerState& state, const HealthCheck& check, HealthResult result) {
    auto& health = state.health;
    const auto before = health.status;
    if (result.exit_code == 0) {
        health.failing_streak = 0;
        health.status = HealthStatus::healthy;
    } else {
        const bool early = before == HealthStatus::starting && result.start - state.started < check.start_period;
        if (!early && ++health.failing_streak >= or_default(check.retries, kRetries))
            health.status = HealthStatus::unhealthy;
    }
    if (health.log.size() >= kMaxHealthLog) health.log.erase(health.log.begin());
    health.log.push_back(std::move(result));
    return health.status != before;
}

void add_output(std::string& output, std::string_view bytes) {
    constexpr std::string_view kMore = "...";
    if (output.size() >= kMaxHealthOutput) return;
    const auto room = kMaxHealthOutput - output.size();
    output += bytes.substr(0, room);
    if (bytes.size() >= room) output += kMore;
}

std::string duration_text(nanoseconds duration) {
    const auto ns = duration.count();
    if (ns < kSecond) return std::format("{}ms", ns / kLeast);
    const auto hours = ns / (3600 * kSecond), minutes = ns / (60 * kSecond) % 60;
    std::string text;
    if (hours > 0) text += std::format("{}h", hours);
    if (hours > 0 || minutes > 0) text += std::format("{}m", minutes);
    const auto seconds = ns / kSecond % 60, millis = ns / kLeast % 1000;
    return text + (millis == 0 ? std::format("{}s", seconds) : std::format("{}.{:03}s", seconds, millis));
}

}  // namespace diatom::engine
