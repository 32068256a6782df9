#include "configure/fetching.h"

#include <unistd.h>

#include <array>

#include "cloud/user_data.h"
#include "configure/digest.h"
#include "configure/run_task.h"
#include "http/pacing.h"
#include "platform/fetch.h"
#include "sys/file.h"

namespace diatom::configure {
namespace {

using http::Url;
constexpr int kMostRedirects = 5;
constexpr std::size_t kMaxKept = 64U << 20U, kPiece = 256U << 10U;

bool is_same_host(const Url& one, const Url& other) {
    return one.host == other.host && one.port == other.port && one.tls == other.tls;
}

http::Task<std::string> get_whole(FetchRequest request, Url url) {
    platform::FetchOptions options;
    options.deadline = request.patience;
    options.stall = request.stall;
    options.limit = kMaxKept;
    // As Ignition waits: 0.1 s, then twice as long each time up to 5 s.
    options.pacing.first = std::chrono::milliseconds(100);
    options.pacing.most = std::chrono::milliseconds(5'000);
    options.http = [&](const Url&) { return request.http; };
    platform::Fetcher fetcher(options);
    platform::Request wanted;
    wanted.headers = request.headers;
    wanted.of_platform = false;
    auto got = co_await fetcher.get(url, std::move(wanted));
    co_return std::move(got);
}

// The head of the answer that counts, redirects followed.
http::Task<std::unique_ptr<http::HttpResponse>> ask(const FetchRequest& request, Url url) {
    const Url first = url;
    for (int redirects = 0;; ++redirects) {
        auto options = request.http;
        options.stall_timeout = request.stall;
        http::HttpRequest sent{.method = "GET", .url = url, .headers = {}, .body = {}};
        if (is_same_host(url, first)) sent.headers = request.headers;
        auto exchanged = co_await http::http_exchange(std::move(sent), options);
        auto response = CO_TRY(std::move(exchanged));
        const auto location = response->header("Location");
        if (http::is_redirect(response->status()) && !location.empty()) {
            if (redirects == kMostRedirects) co_return fail(Kind::io, "more than {} redirects", kMostRedirects);
            auto next = CO_TRY(url.resolve(location), "redirect");
            if (url.tls && !next.tls) co_return fail(Kind::denied, "redirected from https to http, which is refused");
            url = std::move(next);
            continue;
        }
        if (http::is_passing(response->status()))
            co_return fail(Kind::unavailable, "it answered {}", response->status());
        if (response->status() != 200) co_return platform::refused(response->status(), platform::shown(url));
        co_return std::move(response);
    }
}

http::Task<void> receive(const FetchRequest& request, Url url, FdRef file) {
    auto asked = co_await ask(request, std::move(url));
    const auto response = CO_TRY(std::move(asked));
    std::string buffer(kPiece, '\0');
    for (;;) {
        auto read = co_await response->read(buffer);
        const auto size = CO_TRY(std::move(read));
        if (size == 0) co_return Result<void>{};
        CO_TRY(sys::write_all(file, std::string_view(buffer).substr(0, size)));
    }
}

// From the beginning each time: a server that can be asked for a rest is none to count on.
http::Task<void> receive_patiently(const FetchRequest& request, Url url, FdRef file) {
    const http::Pacing pacing{.first = std::chrono::milliseconds(100), .most = std::chrono::milliseconds(5'000)};
    const auto until = pacing.monotonic_ns() + std::chrono::nanoseconds(request.patience).count();
    for (int attempt = 1;; ++attempt) {
        auto received = co_await receive(request, url, file);
        if (received || !http::is_passing(received.error())) co_return std::move(received);
        if (pacing.monotonic_ns() > until) co_return std::move(received);
        if (::ftruncate(file.raw(), 0) < 0 || ::lseek(file.raw(), 0, SEEK_SET) < 0)
            co_return fail_errno(errno, "begin again");
        auto waited = co_await http::wait_on_timer(http::back_off_delay(pacing, attempt, http::random_share()));
        CO_TRY(std::move(waited));
    }
}

}  // namespace

std::string Fetching::file_of(const FetchRequest& request) const {
    if (options_.directory.empty()) return {};
    std::string all = request.url;
    for (const auto& [name, value] : request.headers) all += "\n" + name + ": " + value;
    return options_.directory + "/fetched/" + sha256_hex(all);
}

Result<void> Fetching::raise_network() {
    if (raised_ || !options_.raise_network) return {};
    TRY(options_.raise_network(), "raise the network");
    raised_ = true;
    return {};
}

Result<std::string> Fetching::get(const FetchRequest& request) {
    const auto file = file_of(request);
    const bool kept = !file.empty() && sys::exists(file);
    const bool enough = options_.look != Look::anew || request.once;
    if (kept && enough) return sys::read_file(file, kMaxKept);
    if (options_.look == Look::kept_only) return fail(Kind::not_found, "it was not fetched when this instance started");
    const auto url = TRY(Url::parse(request.url));
    const auto bring = [&]() -> Result<std::string> {
        TRY(raise_network());
        boost::asio::io_context io(1);
        return run_task(io, get_whole(request, url));
    };
    auto bytes = bring();
    if (!bytes && kept) return sys::read_file(file, kMaxKept);
    if (!bytes || file.empty()) return bytes;
    if (kept && sys::read_file(file, kMaxKept).value_or("") == *bytes) return bytes;
    news_ = true;
    TRY(sys::make_dirs(options_.directory + "/fetched", 0700));
    TRY(sys::write_file_atomic(file, *bytes, 0600), "keep {}", cloud::shown_url(request.url));
    return bytes;
}

Result<void> Fetching::download(const FetchRequest& request, FdRef file) {
    if (options_.look == Look::kept_only) return fail(Kind::not_found, "nothing is fetched here");
    const auto url = TRY(Url::parse(request.url));
    TRY(raise_network());
    boost::asio::io_context io(1);
    return run_task(io, receive_patiently(request, url, file));
}

}  // namespace diatom::configure
