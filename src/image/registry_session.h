// Requests to one repository on one registry host: authentication, redirects, retries, back-off, error texts. Several
// may be under way at once.
// Thread side: the registry client's executor.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "image/http_client.h"
#include "image/registry_auth.h"

namespace diatom::image {

class RegistrySession {
public:
    // `base`: scheme and host to speak to. `name`: the reference as the user knows it, for error texts.
    // `tokens` outlives it.
    RegistrySession(Url base, std::string repository, std::string name, std::optional<Credentials> credentials,
                    HttpChooser http, Pacing pacing, TokenCache& tokens);

    // GET /v2/REPOSITORY/PATH. Follows at most ten redirects, never sends credentials to another host, never goes from
    // https to http. Any status but 200 and 206 becomes an error in Docker's words, passing faults (connections that
    // break, 408, 429, 500, 502, 503, 504) after as many attempts as the pacing has.
    Task<std::unique_ptr<HttpResponse>> get(std::string path, std::map<std::string, std::string> headers);
    // Any other request, whose status is the caller's to judge; from the first one on, tokens are asked for with the
    // right to push. A redirect is followed only where it keeps the method.
    // `path`: below /v2/REPOSITORY/, or a Location, which is a path from "/" or a URL.
    Task<std::unique_ptr<HttpResponse>> send(std::string method, std::string path,
                                             std::map<std::string, std::string> headers = {}, std::string body = {});
    // The error that an unwanted answer to `what` is, in Docker's words; never a value.
    Task<void> refuse_push(HttpResponse& response, std::string what);
    // GET /v2/: whether the registry lets us in.
    Task<void> ping();

    int attempts() const noexcept { return pacing_.attempts; }
    const Url& base() const noexcept { return base_; }
    // Waits after the n-th attempt failed (1, 2, …): as the pacing says, or what Retry-After asked for.
    Task<void> back_off(int n);

private:
    Task<std::unique_ptr<HttpResponse>> request(HttpRequest request);
    Task<std::unique_ptr<HttpResponse>> follow(HttpRequest request);
    Task<std::unique_ptr<HttpResponse>> refuse(std::unique_ptr<HttpResponse> response, std::string path, int attempts);
    Failure give_up(Error error, int attempts) const;
    bool may_wait(const HttpResponse& response);
    bool may_wait_for(const std::string& retry_after, const std::string& date);

    Url base_;
    std::string repository_, name_;
    HttpChooser http_;
    Pacing pacing_;
    Authenticator authenticator_;
    bool pushes_ = false;
    std::chrono::seconds asked_{0};  // what the last Retry-After asked for
};

}  // namespace diatom::image
