#include "image/registry_auth.h"

#include "base/json.h"
#include "base/strings.h"

namespace diatom::image {
namespace {

constexpr std::size_t kMaxTokenReply = 1U << 20U;
constexpr std::int64_t kTokenLife = 60;  // seconds, where the token service does not say

// token = [ "=" value ], separated by commas; a token that no "=" follows starts the next challenge.
class HeaderReader {
public:
    explicit HeaderReader(std::string_view text) : text_(text) {}

    void skip() {
        while (!text_.empty() && (text_.front() == ' ' || text_.front() == '\t' || text_.front() == ','))
            text_.remove_prefix(1);
    }
    std::string_view token() {
        const auto end = std::min(text_.find_first_of(" \t,=\""), text_.size());
        const auto found = text_.substr(0, end);
        text_.remove_prefix(end);
        return found;
    }
    bool take(char c) {
        if (!text_.starts_with(c)) return false;
        text_.remove_prefix(1);
        return true;
    }
    std::string value() {
        if (!take('"')) return std::string(token());
        std::string quoted;
        while (!text_.empty() && text_.front() != '"') {
            if (text_.front() == '\\' && text_.size() > 1) text_.remove_prefix(1);
            quoted += text_.front();
            text_.remove_prefix(1);
        }
        take('"');
        return quoted;
    }
    void drop() {
        if (!text_.empty()) text_.remove_prefix(1);
    }
    bool empty() const { return text_.empty(); }

private:
    std::string_view text_;
};

}  // namespace

std::vector<Challenge> parse_challenges(std::string_view header) {
    std::vector<Challenge> challenges;
    HeaderReader reader(header);
    for (reader.skip(); !reader.empty(); reader.skip()) {
        const auto name = to_lower(reader.token());
        if (name.empty()) {
            reader.drop();
        } else if (reader.take('=')) {
            if (!challenges.empty()) challenges.back().parameters[name] = reader.value();
            else reader.value();
        } else {
            challenges.push_back({name, {}});
        }
    }
    return challenges;
}

std::string Authenticator::basic() const {
    return "Basic " + encode_base64(credentials_->username + ":" + credentials_->password);
}

Task<void> Authenticator::answer(const std::string& challenge_header, const std::string& scope,
                                 const std::string& used) {
    if (used != authorization_) co_return Result<void>{};  // another request found it out before
    if (credentials_ && !credentials_->registry_token.empty() && authorization_.empty()) {
        authorization_ = "Bearer " + credentials_->registry_token;
        co_return Result<void>{};
    }
    for (const auto& challenge : parse_challenges(challenge_header)) {
        if (challenge.scheme == "bearer") co_return co_await obtain_token(challenge, scope, used);
        if (challenge.scheme != "basic") continue;
        if (!credentials_ || credentials_->username.empty())
            co_return fail(Kind::unauthorized, "no basic auth credentials");
        if (authorization_ == basic())
            co_return fail(Kind::unauthorized, "unauthorized: incorrect username or password");
        authorization_ = basic();
        co_return Result<void>{};
    }
    co_return fail(Kind::unauthorized,
                   "unauthorized: the registry asks for a kind of authentication that is not known here: \"{}\"",
                   challenge_header.substr(0, 200));
}

Result<Authenticator::Wanted> Authenticator::wanted_token(const Challenge& challenge, const std::string& scope) const {
    const auto parameter = [&](const char* name) {
        const auto it = challenge.parameters.find(name);
        return it == challenge.parameters.end() ? std::string() : it->second;
    };
    Wanted wanted{.realm = TRY(Url::parse(parameter("realm")), "realm of the registry's challenge"), .key = {}};
    if (tls_ && !wanted.realm.tls) {
        return fail(Kind::denied, "the registry sends us to the token service {} without TLS: refused",
                    wanted.realm.text());
    }
    // A challenge asks for what one request needs. Who pushes asks for all of it at once.
    const auto asked = parameter("scope").empty() || scope.contains("push") ? scope : parameter("scope");
    wanted.key = {wanted.realm.text(), parameter("service"), asked, {}};
    if (credentials_ && !(credentials_->identity_token.empty() && credentials_->username.empty())) {
        const auto who = Json::array({credentials_->identity_token, credentials_->username, credentials_->password});
        wanted.key.identity = Digest::of(dump_json(who)).text();
    }
    return wanted;
}

HttpRequest Authenticator::token_request(const Wanted& wanted) const {
    HttpRequest request;
    request.url = wanted.realm;
    const auto service = percent_encode(wanted.key.service), scope = percent_encode(wanted.key.scope);
    if (credentials_ && !credentials_->identity_token.empty()) {
        request.method = "POST";
        request.headers["Content-Type"] = "application/x-www-form-urlencoded";
        request.body = std::format("grant_type=refresh_token&client_id=diatom&service={}&scope={}&refresh_token={}",
                                   service, scope, percent_encode(credentials_->identity_token));
        return request;
    }
    request.url.target += std::format("{}service={}&scope={}",
                                      request.url.target.find('?') == std::string::npos ? '?' : '&', service, scope);
    if (credentials_ && !credentials_->username.empty()) request.headers["Authorization"] = basic();
    return request;
}

Task<void> Authenticator::obtain_token(const Challenge& challenge, const std::string& scope, const std::string& used) {
    auto wanted = CO_TRY(wanted_token(challenge, scope));
    if (used.starts_with("Bearer ")) tokens_.forget(wanted.key, used.substr(7));
    if (const auto known = tokens_.find(wanted.key); !known.empty()) {
        authorization_ = "Bearer " + known;
        co_return Result<void>{};
    }
    co_return co_await fetch_token(std::move(wanted));
}

Task<void> Authenticator::fetch_token(Wanted wanted) {
    const auto realm = wanted.realm.text();
    auto exchanged = co_await http_exchange(token_request(wanted), http_(wanted.realm));
    const auto response = CO_TRY(std::move(exchanged), "token service {}", realm);
    if (response->status() == 401 || response->status() == 403)
        co_return fail(Kind::unauthorized, "unauthorized: incorrect username or password");
    if (response->status() != 200) {
        asked_ = {response->header("Retry-After"), response->header("Date")};
        co_return fail(Kind::unavailable, "token service {}: status {}", realm, response->status());
    }
    auto read = co_await response->read_all(kMaxTokenReply);
    const auto text = CO_TRY(std::move(read));
    const auto document = CO_TRY(parse_json(text, "answer of the token service"));
    auto token = CO_TRY(json_string(document, "token"));
    if (token.empty()) token = CO_TRY(json_string(document, "access_token"));
    if (token.empty() || token.find_first_of("\r\n") != std::string::npos)
        co_return fail(Kind::unauthorized, "token service {} gave no token", realm);
    tokens_.put(wanted.key, token, json_int(document, "expires_in", kTokenLife).value_or(kTokenLife));
    authorization_ = "Bearer " + token;
    co_return Result<void>{};
}

}  // namespace diatom::image
