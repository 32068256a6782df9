// The pace of attempts at a server: how often, how far apart, and what its Retry-After says.
// Source: RFC 9110, 10.2.3 (Retry-After) and 5.6.7 (dates). Thread side: any; the waiting is the executor's.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "sys/clock.h"

namespace diatom::http {

// Waits on the caller's executor; Kind::cancelled when the caller is.
boost::asio::awaitable<Result<void>> wait_on_timer(std::chrono::milliseconds duration);

struct Pacing {
    int attempts = 5;
    std::chrono::milliseconds first{200}, most{10'000};  // between attempts: doubled each time
    std::chrono::seconds patience{60};                   // a server that asks for more is not asked again
    // Time, which tests replace.
    std::function<boost::asio::awaitable<Result<void>>(std::chrono::milliseconds)> wait = wait_on_timer;
    std::function<std::int64_t()> wall_ns = sys::wall_ns;
    std::function<std::int64_t()> monotonic_ns = sys::monotonic_ns;
};

// Machines that failed together should not come back together; nothing depends on its quality. 0 to 1.
double random_share();

bool is_redirect(int status) noexcept;
// Whether the same request may fare better a moment later. No TLS, or a certificate that is not trusted, does not pass.
bool is_passing(const Error& error) noexcept;
bool is_passing(int status) noexcept;

// Before attempt n + 1 (n from 1): between half of what doubling gives and all of it, so that machines which failed
// together do not come back together. `random`: 0 to 1.
std::chrono::milliseconds back_off_delay(const Pacing& pacing, int n, double random);

// What a Retry-After header asks for: seconds, or a date, which is compared with the answer's own Date (its clock may
// not be ours) or else with `wall_ns`. Nothing when it is absent or malformed.
std::optional<std::chrono::seconds> retry_after(std::string_view header, std::string_view date, std::int64_t wall_ns);

// A date in any of HTTP's three forms, to seconds since 1970.
std::optional<std::int64_t> parse_http_date(std::string_view text);

}  // namespace diatom::http
