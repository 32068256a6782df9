// Requests to one repository on one registry host: authentication, redirects, retries, back-off, error texts.
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
    RegistrySession(Url base, std::string repository, std::string name, std::optional<Credentials> credentials,
                    HttpOptions http, int attempts);

    // GET /v2/REPOSITORY/PATH. Follows at most ten redirects, never sends credentials to another host, never goes from
    // https to http. Any status but 200 and 206 becomes an error in Docker's words.
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

    int attempts() const noexcept { return attempts_; }
    // Waits before attempt `n` (1, 2, …): 100 ms doubling, or what Retry-After said.
    Task<void> back_off(int n);

private:
    Task<std::unique_ptr<HttpResponse>> request(HttpRequest request);
    Task<std::unique_ptr<HttpResponse>> follow(HttpRequest request);
    Task<std::unique_ptr<HttpResponse>> refuse(std::unique_ptr<HttpResponse> response, const std::string& path);

    Url base_;
    std::string repository_, name_;
    HttpOptions http_;
    Authenticator authenticator_;
    int attempts_;
    bool pushes_ = false;
    std::chrono::milliseconds retry_after_{0};
};

}  // namespace diatom::image
