#include "image/registry_session.h"

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "base/strings.h"

namespace diatom::image {
namespace {

constexpr int kMostRedirects = 10;
constexpr std::size_t kMaxErrorBody = 64U << 10U;
constexpr int kMostAnswers = 2;  // to a challenge: an expired token is renewed; nobody is asked for ever

// {"errors":[{"code","message"}]}: the registry's own words.
std::string error_text(std::string_view body) {
    const auto document = parse_json(body, "error");
    if (!document) return {};
    const Json& errors = json_member(*document, "errors");
    if (!errors.is_array() || errors.empty()) return {};
    return json_string(errors.front(), "message").value_or("");
}

}  // namespace

RegistrySession::RegistrySession(Url base, std::string repository, std::string name,
                                 std::optional<Credentials> credentials, HttpChooser http, Pacing pacing,
                                 TokenCache& tokens)
    : base_(std::move(base)),
      repository_(std::move(repository)),
      name_(std::move(name)),
      http_(http),
      pacing_(std::move(pacing)),
      authenticator_(std::move(credentials), std::move(http), base_.tls, tokens) {}

Task<void> RegistrySession::back_off(int n) {
    const auto asked = std::exchange(asked_, std::chrono::seconds(0));
    co_return co_await pacing_.wait(
        std::max<std::chrono::milliseconds>(asked, back_off_delay(pacing_, n, random_share())));
}

// False when the server asks for more time than we give it.
bool RegistrySession::may_wait_for(const std::string& header, const std::string& date) {
    const auto asked = retry_after(header, date, pacing_.wall_ns());
    if (!asked) return true;
    asked_ = *asked;
    return asked_ <= pacing_.patience;
}

bool RegistrySession::may_wait(const HttpResponse& response) {
    return may_wait_for(response.header("Retry-After"), response.header("Date"));
}

Task<std::unique_ptr<HttpResponse>> RegistrySession::follow(HttpRequest wanted) {
    Url url = wanted.url;
    const bool reads = wanted.method == "GET" || wanted.method == "HEAD";
    for (int hop = 0; hop <= kMostRedirects; ++hop) {
        HttpRequest request = wanted;
        request.url = url;
        const bool home = url.host == base_.host && url.port == base_.port;
        if (home && !authenticator_.authorization().empty())
            request.headers["Authorization"] = authenticator_.authorization();
        auto exchanged = co_await http_exchange(std::move(request), http_(url));
        auto response = CO_TRY(std::move(exchanged));
        if (!is_redirect(response->status())) co_return response;
        if (!reads && response->status() != 307 && response->status() != 308) co_return response;
        auto next = CO_TRY(url.resolve(response->header("Location")), "redirect of {}", url.authority());
        if (url.tls && !next.tls)
            co_return fail(Kind::denied, "{} redirects from https to http: refused", url.authority());
        url = std::move(next);
    }
    co_return fail(Kind::unavailable, "{} redirects more than {} times: stopped", base_.authority(), kMostRedirects);
}

Task<std::unique_ptr<HttpResponse>> RegistrySession::request(HttpRequest wanted) {
    for (int answers = 1;; ++answers) {
        const auto used = authenticator_.authorization();
        auto followed = co_await follow(wanted);
        auto response = CO_TRY(std::move(followed));
        if (response->status() != 401) co_return response;
        if (answers > kMostAnswers) co_return fail(Kind::unauthorized, "unauthorized: authentication required");
        auto answered = co_await authenticator_.answer(
            response->header("WWW-Authenticate"),
            std::format("repository:{}:pull{}", repository_, pushes_ ? ",push" : ""), used);
        CO_TRY(std::move(answered));
    }
}

Task<std::unique_ptr<HttpResponse>> RegistrySession::refuse(std::unique_ptr<HttpResponse> response, std::string path,
                                                            int attempts) {
    const int status = response->status();
    auto read = co_await response->read_all(kMaxErrorBody);
    const auto text = read ? error_text(*read) : std::string();
    if (status == 404 && path.starts_with("manifests/"))
        co_return fail(Kind::not_found, "manifest for {} not found: {}", name_,
                       text.empty() ? "manifest unknown" : text);
    if (status == 404 && path.starts_with("tags/"))
        co_return fail(Kind::not_found, "repository {} not found: {}", name_, text.empty() ? "name unknown" : text);
    if (status == 404) co_return fail(Kind::not_found, "{}: {} is not in the registry", name_, path);
    if (status == 401 || status == 403) {
        co_return fail(Kind::denied,
                       "pull access denied for {}, repository does not exist or may require 'docker login': {}", name_,
                       text.empty() ? "denied" : text);
    }
    const auto what = std::format("{}: the registry {} answered with status {}{}{}{}", name_, base_.authority(), status,
                                  status == 429 ? " (too many requests)" : "", text.empty() ? "" : ": ", text);
    if (asked_ > pacing_.patience)
        co_return fail(Kind::unavailable, "{}; it asks to be left alone for {} seconds: try again then", what,
                       asked_.count());
    co_return give_up(Error(is_passing(status) ? Kind::unavailable : Kind::io, what), attempts);
}

Failure RegistrySession::give_up(Error error, int attempts) const {
    if (attempts <= 1) return Failure(std::move(error));
    return Failure(Error(error.kind(), std::format("{} (tried {} times)", error.what(), attempts), error.error_number(),
                         error.where()));
}

Task<std::unique_ptr<HttpResponse>> RegistrySession::get(std::string path, std::map<std::string, std::string> headers) {
    Url url = base_;
    url.target = std::format("/v2/{}/{}", repository_, path);
    for (int attempt = 1;; ++attempt) {
        HttpRequest message;
        message.url = url;
        message.headers = headers;
        auto answered = co_await request(std::move(message));
        const bool last = attempt >= pacing_.attempts;
        if (answered) {
            const int status = (*answered)->status();
            if (status == 200 || status == 206) co_return std::move(answered);
            if (last || !is_passing(status) || !may_wait(**answered))
                co_return co_await refuse(std::move(*answered), std::move(path), attempt);
        } else {
            const auto busy = authenticator_.take_asked();
            if (answered.error().kind() == Kind::unauthorized) {
                co_return fail(Kind::unauthorized,
                               "pull access denied for {}, repository does not exist or may require 'docker login': {}",
                               name_, answered.error().what());
            }
            if (last || !is_passing(answered.error()) || !may_wait_for(busy.retry_after, busy.date))
                co_return give_up(std::move(answered).error(), attempt);
        }
        auto waited = co_await back_off(attempt);
        CO_TRY(std::move(waited));
    }
}

Task<std::unique_ptr<HttpResponse>> RegistrySession::send(std::string method, std::string path,
                                                          std::map<std::string, std::string> headers,
                                                          std::string body) {
    pushes_ = true;
    HttpRequest message;
    message.method = std::move(method);
    message.headers = std::move(headers);
    message.body = std::move(body);
    if (path.starts_with('/') || path.contains("://")) {
        message.url = CO_TRY(base_.resolve(path), "upload location of {}", base_.authority());
        if (base_.tls && !message.url.tls)
            co_return fail(Kind::denied, "{} sends an upload from https to http: refused", base_.authority());
    } else {
        message.url = base_;
        message.url.target = std::format("/v2/{}/{}", repository_, path);
    }
    for (int attempt = 1;; ++attempt) {
        auto answered = co_await request(message);
        const bool last = attempt >= pacing_.attempts;
        if (answered && (last || !is_passing((*answered)->status()) || !may_wait(**answered)))
            co_return std::move(answered);
        // A piece of an upload counts once: how much of it arrived before the connection broke is not known.
        if (!answered && (last || !is_passing(answered.error()) || message.method == "PATCH")) {
            auto error = std::move(answered).error();
            if (error.kind() != Kind::unauthorized) co_return give_up(std::move(error), attempt);
            co_return fail(Kind::unauthorized, "push access denied for {}: {}", name_, error.what());
        }
        auto waited = co_await back_off(attempt);
        CO_TRY(std::move(waited));
    }
}

Task<void> RegistrySession::refuse_push(HttpResponse& response, std::string what) {
    const int status = response.status();
    auto read = co_await response.read_all(kMaxErrorBody);
    const auto text = read ? error_text(*read) : std::string();
    if (status == 401 || status == 403) {
        co_return fail(Kind::denied, "push access denied for {}, log in with 'docker login': {}", name_,
                       text.empty() ? "denied" : text);
    }
    co_return fail(is_passing(status) ? Kind::unavailable : Kind::io,
                   "{}: the registry {} refused to {}: status {}{}{}", name_, base_.authority(), what, status,
                   text.empty() ? "" : ": ", text);
}

Task<void> RegistrySession::ping() {
    Url url = base_;
    url.target = "/v2/";
    HttpRequest message;
    message.url = std::move(url);
    auto answered = co_await request(std::move(message));
    const auto response = CO_TRY(std::move(answered));
    if (response->status() == 200) co_return Result<void>{};
    if (response->status() == 401 || response->status() == 403)
        co_return fail(Kind::unauthorized, "unauthorized: incorrect username or password");
    co_return fail(Kind::unavailable, "login attempt to {} failed with status: {}", base_.text(), response->status());
}

}  // namespace diatom::image
