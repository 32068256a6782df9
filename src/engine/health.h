// A container's health check: what is run, when, and what its results make of the container's health, as Docker's.
//
//   starting ──success──> healthy ──`retries` failures in a row──> unhealthy ──success──> healthy
//       └── `retries` failures in a row, those of the start period not counted ──> unhealthy
//
// Thread side: any; values. Source: Docker Engine API 1.51 "HealthConfig"; Dockerfile reference "HEALTHCHECK".
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/json.h"
#include "engine/model.h"

namespace diatom::engine {

inline constexpr std::size_t kMaxHealthOutput = 4096;  // bytes
inline constexpr std::size_t kMaxHealthLog = 5;

// {"Test": […], "Interval": ns, …} as in an image's configuration and in the API. invalid: less than 1 ms, negative.
Result<HealthCheck> decode_health_check(const Json& document);

// What the container's own leaves open is the image's. `image`: may be null. `shell`: the image's, for CMD-SHELL.
Result<void> merge_health_check(std::optional<HealthCheck>& own, const Json& image,
                                const std::vector<std::string>& shell);

// The probe's command; empty: nothing is checked.
std::vector<std::string> probe_command(const std::optional<HealthCheck>& check);
std::chrono::nanoseconds probe_timeout(const HealthCheck& check);
// From the end of one probe, or the start, to the next one.
std::chrono::nanoseconds probe_interval(const HealthCheck& check, const ContainerState& state, std::int64_t now);

// Whether the status is another now.
bool add_result(ContainerState& state, const HealthCheck& check, HealthResult result);

// Appends what still fits of a probe's output.
void add_output(std::string& output, std::string_view bytes);

// "1m30s", "200ms": as Docker prints the time that a probe did not keep to.
std::string duration_text(std::chrono::nanoseconds duration);

}  // namespace diatom::engine
