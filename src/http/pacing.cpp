#include "http/pacing.h"

#include <time.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <random>
#include <string>

#include "base/strings.h"

namespace diatom::http {

namespace asio = boost::asio;

asio::awaitable<Result<void>> wait_on_timer(std::chrono::milliseconds duration) {
    asio::steady_timer timer(co_await asio::this_coro::executor, duration);
    if (const auto [error] = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable)); error)
        co_return fail(Kind::cancelled, "the transfer was cancelled");
    co_return Result<void>{};
}

double random_share() {
    static thread_local std::minstd_rand random{std::random_device{}()};
    return std::uniform_real_distribution<>(0, 1)(random);
}

bool is_redirect(int status) noexcept {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// EPROTO: the peer does not speak what we speak, and will not a second later.
bool is_passing(const Error& error) noexcept {
    return (error.kind() == Kind::unavailable && error.error_number() != EPROTO) || error.kind() == Kind::timed_out;
}

bool is_passing(int status) noexcept {
    return status == 408 || status == 429 || status == 500 || (status >= 502 && status <= 504);
}

std::chrono::milliseconds back_off_delay(const Pacing& pacing, int n, double random) {
    auto delay = pacing.first;
    for (int i = 1; i < n && delay < pacing.most; ++i) delay *= 2;
    delay = std::min(delay, pacing.most);
    return delay / 2 + std::chrono::milliseconds(static_cast<std::int64_t>(random * double(delay.count()) / 2));
}

std::optional<std::int64_t> parse_http_date(std::string_view text) {
    const std::string trimmed(trim(text));
    for (const char* form : {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"}) {
        tm parts{};
        const char* end = ::strptime(trimmed.c_str(), form, &parts);
        if (end != nullptr && *end == '\0') return ::timegm(&parts);
    }
    return std::nullopt;
}

std::optional<std::chrono::seconds> retry_after(std::string_view header, std::string_view date, std::int64_t wall_ns) {
    constexpr std::uint64_t kLongest = 366ULL * 24 * 3600;
    if (const auto seconds = parse_uint(trim(header)))
        return std::chrono::seconds(static_cast<std::int64_t>(std::min(*seconds, kLongest)));
    const auto until = parse_http_date(header);
    if (!until) return std::nullopt;
    const auto now = parse_http_date(date).value_or(wall_ns / 1'000'000'000);
    return std::chrono::seconds(std::clamp<std::int64_t>(*until - now, 0, static_cast<std::int64_t>(kLongest)));
}

}  // namespace diatom::http
