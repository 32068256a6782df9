#include "platform/fetch.h"

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>

#include "base/strings.h"

namespace diatom::platform {
namespace {

using std::chrono::milliseconds;
constexpr int kMostRedirects = 5;
constexpr std::size_t kMaxRefusal = 64U << 10U;

// What the limit cuts off of an error page is of no interest; of a document, everything is.
Task<std::string> read_body(http::HttpResponse& response, std::size_t limit) {
    auto read = co_await response.read_all(response.status() == 200 ? limit : std::min(limit, kMaxRefusal));
    if (!read && read.error().kind() == Kind::exhausted && response.status() != 200) co_return std::string();
    co_return std::move(read);
}

Task<Answer> within(milliseconds time, Task<Answer> work) {
    using namespace boost::asio::experimental::awaitable_operators;
    auto outcome = co_await (std::move(work) || http::wait_on_timer(time));
    if (outcome.index() == 0) co_return std::move(std::get<0>(outcome));
    CO_TRY(std::move(std::get<1>(outcome)));
    co_return fail(Kind::timed_out, "no whole answer in time");
}

bool is_same_host(const Url& one, const Url& other) {
    return one.host == other.host && one.port == other.port && one.tls == other.tls;
}

}  // namespace

Fetcher::Fetcher(FetchOptions options)
    : options_(std::move(options)),
      until_ns_(options_.pacing.monotonic_ns() + std::chrono::nanoseconds(options_.deadline).count()) {}

milliseconds Fetcher::left() const {
    const auto ns = std::chrono::nanoseconds(until_ns_ - options_.pacing.monotonic_ns());
    return std::chrono::duration_cast<milliseconds>(ns);
}

Task<Answer> Fetcher::follow(Url url, Request request) {
    const Url asked = url;
    for (int redirects = 0;; ++redirects) {
        http::HttpOptions options;
        if (!request.of_platform && options_.http) options = options_.http(url);
        options.stall_timeout = options_.stall;
        http::HttpRequest sent{.method = request.method, .url = url, .headers = request.headers, .body = request.body};
        auto exchanged = co_await http::http_exchange(std::move(sent), options);
        const auto response = CO_TRY(std::move(exchanged));
        const auto location = response->header("Location");
        if (request.method == "GET" && http::is_redirect(response->status()) && !location.empty()) {
            if (redirects == kMostRedirects) co_return fail(Kind::io, "more than {} redirects", kMostRedirects);
            auto next = CO_TRY(url.resolve(location), "redirect");
            if (url.tls && !next.tls) co_return fail(Kind::denied, "redirected from https to http, which is refused");
            if (!is_same_host(next, asked)) request.headers.clear();
            url = std::move(next);
            continue;
        }
        if (const auto wait =
                http::retry_after(response->header("Retry-After"), response->header("Date"), options_.pacing.wall_ns()))
            asked_for_ = *wait;
        auto read = co_await read_body(*response, options_.limit);
        auto body = CO_TRY(std::move(read));
        co_return Answer{.status = response->status(),
                         .body = std::move(body),
                         .header = request.shown_header.empty() ? "" : response->header(request.shown_header),
                         .asked = asked};
    }
}

// One attempt. A passing status is an error of Kind::unavailable here.
Task<Answer> Fetcher::once(Url url, Request request) {
    asked_for_ = std::chrono::seconds(0);
    const auto time = left();
    if (time <= milliseconds(0)) co_return fail(Kind::timed_out, "no time was left to ask");
    const auto passing = request.passing;
    auto followed = co_await within(time, follow(url, std::move(request)));
    auto answer = CO_TRY(std::move(followed));
    if (http::is_passing(answer.status) || std::ranges::find(passing, answer.status) != passing.end())
        co_return fail(Kind::unavailable, "status {}", answer.status);
    co_return answer;
}

Task<Answer> Fetcher::ask(std::vector<Url> servers, Request request) {
    for (int attempt = 1;; ++attempt) {
        milliseconds wait{0};
        for (const auto& server : servers) {
            auto answer = co_await once(server, request);
            if (answer) co_return std::move(answer);
            auto error = std::move(answer).error().in("ask " + shown(server));
            if (!http::is_passing(error)) co_return Failure(std::move(error));
            wait = std::max<milliseconds>(asked_for_,
                                          http::back_off_delay(options_.pacing, attempt, http::random_share()));
            if (&server != &servers.back() || wait < left()) continue;
            co_return fail(Kind::timed_out, "{} (tried {} times)", error.what(), attempt);
        }
        auto waited = co_await options_.pacing.wait(wait);
        CO_TRY(std::move(waited));
    }
}

Task<Answer> Fetcher::ask(Url url, Request request) {
    std::vector<Url> servers{std::move(url)};
    co_return co_await ask(std::move(servers), std::move(request));
}

Task<std::string> Fetcher::get(Url url, Request request) {
    const auto what = shown(url);
    auto asked = co_await ask(std::move(url), std::move(request));
    auto answer = CO_TRY(std::move(asked));
    if (answer.status != 200) co_return refused(answer.status, what);
    co_return std::move(answer.body);
}

Task<std::optional<std::string>> Fetcher::find(Url url, Request request) {
    const auto what = shown(url);
    auto asked = co_await ask(std::move(url), std::move(request));
    auto answer = CO_TRY(std::move(asked));
    if (answer.status == 404 || answer.status == 204) co_return std::nullopt;
    if (answer.status != 200) co_return refused(answer.status, what);
    if (answer.body.empty()) co_return std::nullopt;
    co_return std::move(answer.body);
}

Url at(Url server, std::string_view path) {
    server.target = path;
    return server;
}

std::string shown(const Url& url) {
    const auto text = url.text();
    return text.substr(0, text.find('?'));
}

Failure refused(int status, std::string_view what) {
    const Kind kind = status == 404 ? Kind::not_found : status == 401 || status == 403 ? Kind::denied : Kind::io;
    return fail(kind, "{} answers with status {}", what, status);
}

}  // namespace diatom::platform
