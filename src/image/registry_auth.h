// Who we are to a registry: Basic credentials and Bearer tokens. Source: RFC 9110 section 11, RFC 6750, and
// distribution's token specification (docs/spec/auth/token.md, oauth2). Thread side: the registry client's executor.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "image/http_client.h"
#include "image/registry.h"

namespace diatom::image {

struct Challenge {
    std::string scheme;  // lower case: "basic", "bearer"
    std::map<std::string, std::string> parameters;
};
// The challenges of a WWW-Authenticate header; malformed ones are left out. Fuzzed through registry_auth tests.
std::vector<Challenge> parse_challenges(std::string_view header);

// The Authorization values of one repository on one registry.
class Authenticator {
public:
    // `tls`: whether the registry is spoken to over TLS; its token service must be then, too.
    Authenticator(std::optional<Credentials> credentials, HttpOptions http, bool tls)
        : credentials_(std::move(credentials)), http_(std::move(http)), tls_(tls) {}

    // What to send now; empty before a challenge was answered.
    const std::string& authorization() const noexcept { return authorization_; }
    // Answers a 401. unauthorized when nothing more can be tried.
    Task<void> answer(const std::string& challenge_header, const std::string& scope);

private:
    Task<void> fetch_token(const Challenge& challenge, const std::string& scope);
    Result<HttpRequest> token_request(const Challenge& challenge, const std::string& scope) const;
    std::string basic() const;

    std::optional<Credentials> credentials_;
    HttpOptions http_;
    bool tls_;
    std::string authorization_;
    int answered_ = 0;
};

}  // namespace diatom::image
