// The fields of health checks, their results and disk limits; part of codec.cpp. Thread side: any.
#pragma once

#include "engine/archive.h"
#include "engine/model.h"

namespace diatom::engine {

template <>
struct EnumNames<HealthStatus> {
    static constexpr std::array<const char*, 4> kNames = {"none", "starting", "healthy", "unhealthy"};
};
template <class A>
void fields(A& archive, HealthCheck& check) {
    archive("test", check.test);
    archive("shell", check.shell);
    archive("interval", check.interval);
    archive("timeout", check.timeout);
    archive("start_period", check.start_period);
    archive("start_interval", check.start_interval);
    archive("retries", check.retries);
}

template <class A>
void fields(A& archive, HealthResult& result) {
    archive("start", result.start);
    archive("end", result.end);
    archive("exit_code", result.exit_code);
    archive("output", result.output);
}

template <class A>
void fields(A& archive, Health& health) {
    archive("status", health.status);
    archive("failing_streak", health.failing_streak);
    archive("log", health.log);
    archive("probe_pid", health.probe.pid);
    archive("probe_start_time", health.probe.start_time);
}

template <class A>
void fields(A& archive, BlockLimit& limit) {
    archive("path", limit.path);
    archive("key", limit.key);
    archive("value", limit.value);
}

}  // namespace diatom::engine
