// Who we are to a registry: Basic credentials and Bearer tokens. Source: RFC 9110 section 11, RFC 6750, and
// distribution's token specification (docs/spec/auth/token.md, oauth2). Thread side: the registry client's executor.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "image/http_client.h"
#include "image/registry.h"
#include "image/token_cache.h"

namespace diatom::image {

struct Challenge {
    std::string scheme;  // lower case: "basic", "bearer"
    std::map<std::string, std::string> parameters;
};
// The challenges of a WWW-Authenticate header; malformed ones are left out. Fuzzed by registry_answers_fuzz.
std::vector<Challenge> parse_challenges(std::string_view header);

// The Authorization values of one repository on one registry.
class Authenticator {
public:
    // `tls`: whether the registry is spoken to over TLS; its token service must be then, too. `tokens` outlives it.
    Authenticator(std::optional<Credentials> credentials, HttpChooser http, bool tls, TokenCache& tokens)
        : credentials_(std::move(credentials)), http_(std::move(http)), tls_(tls), tokens_(tokens) {}

    // What to send now; empty before a challenge was answered.
    const std::string& authorization() const noexcept { return authorization_; }
    // Answers the 401 to a request that was sent with the authorization `used`. unauthorized when nothing more can be
    // tried.
    Task<void> answer(const std::string& challenge_header, const std::string& scope, const std::string& used);

    // What a token service that was busy said last, once.
    struct Asked {
        std::string retry_after, date;
    };
    Asked take_asked() { return std::exchange(asked_, {}); }

private:
    struct Wanted {
        Url realm;
        TokenCache::Key key;
    };
    Task<void> obtain_token(const Challenge& challenge, const std::string& scope, const std::string& used);
    Task<void> fetch_token(Wanted wanted);
    Result<Wanted> wanted_token(const Challenge& challenge, const std::string& scope) const;
    HttpRequest token_request(const Wanted& wanted) const;
    std::string basic() const;

    std::optional<Credentials> credentials_;
    HttpChooser http_;
    bool tls_;
    TokenCache& tokens_;
    std::string authorization_;
    Asked asked_;
};

}  // namespace diatom::image
