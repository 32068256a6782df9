#include "api/encode.h"

namespace diatom::api {

Json encode_health(const engine::Health& health) {
    Json log = Json::array();
    for (const auto& result : health.log) {
        log.push_back({{"Start", encode_time(result.start)},
                       {"End", encode_time(result.end)},
                       {"ExitCode", result.exit_code},
                       {"Output", result.output}});
    }
    return {{"Status", to_string(health.status)}, {"FailingStreak", health.failing_streak}, {"Log", std::move(log)}};
}

Json encode_health_check(const engine::HealthCheck& check) {
    Json body{{"Test", check.test}};
    const auto put = [&](const char* key, std::int64_t value) {
        if (value != 0) body[key] = value;
    };
    put("Interval", check.interval);
    put("Timeout", check.timeout);
    put("StartPeriod", check.start_period);
    put("StartInterval", check.start_interval);
    put("Retries", check.retries);
    return body;
}

std::string health_text(const engine::Health& health) {
    switch (health.status) {
        case engine::HealthStatus::none: return "";
        case engine::HealthStatus::starting: return " (health: starting)";
        case engine::HealthStatus::healthy: return " (healthy)";
        case engine::HealthStatus::unhealthy: return " (unhealthy)";
    }
    return "";
}

}  // namespace diatom::api
