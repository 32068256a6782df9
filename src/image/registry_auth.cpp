#include "image/registry_auth.h"

#include "base/json.h"
#include "base/strings.h"

namespace diatom::image {
namespace {

constexpr int kMostAnswers = 4;  // an expired token is renewed; a registry that never lets us in is not asked for ever
constexpr std::size_t kMaxTokenReply = 1U << 20U;

std::string url_encode(std::string_view text) {
    std::string encoded;
    for (const unsigned char c : text) {
        if (std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_' || c == '~') encoded += static_cast<char>(c);
        else encoded += std::format("%{:02X}", c);
    }
    return encoded;
}

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

Task<void> Authenticator::answer(const std::string& challenge_header, const std::string& scope) {
    if (++answered_ > kMostAnswers) co_return fail(Kind::unauthorized, "unauthorized: authentication required");
    if (credentials_ && !credentials_->registry_token.empty() && authorization_.empty()) {
        authorization_ = "Bearer " + credentials_->registry_token;
        co_return Result<void>{};
    }
    for (const auto& challenge : parse_challenges(challenge_header)) {
        if (challenge.scheme == "bearer") co_return co_await fetch_token(challenge, scope);
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

Result<HttpRequest> Authenticator::token_request(const Challenge& challenge, const std::string& scope) const {
    const auto parameter = [&](const char* name) {
        const auto it = challenge.parameters.find(name);
        return it == challenge.parameters.end() ? std::string() : it->second;
    };
    HttpRequest request;
    request.url = TRY(Url::parse(parameter("realm")), "realm of the registry's challenge");
    if (tls_ && !request.url.tls) {
        return fail(Kind::denied, "the registry sends us to the token service {} without TLS: refused",
                    request.url.text());
    }
    const auto service = parameter("service");
    // A challenge asks for what one request needs. Who pushes asks for all of it at once.
    const auto wanted = parameter("scope").empty() || scope.contains("push") ? scope : parameter("scope");
    if (credentials_ && !credentials_->identity_token.empty()) {
        request.method = "POST";
        request.headers["Content-Type"] = "application/x-www-form-urlencoded";
        request.body = std::format("grant_type=refresh_token&client_id=diatom&service={}&scope={}&refresh_token={}",
                                   url_encode(service), url_encode(wanted), url_encode(credentials_->identity_token));
        return request;
    }
    request.url.target +=
        std::format("{}service={}&scope={}", request.url.target.find('?') == std::string::npos ? '?' : '&',
                    url_encode(service), url_encode(wanted));
    if (credentials_ && !credentials_->username.empty()) request.headers["Authorization"] = basic();
    return request;
}

Task<void> Authenticator::fetch_token(const Challenge& challenge, const std::string& scope) {
    auto request = CO_TRY(token_request(challenge, scope));
    const auto realm = request.url.text();
    auto exchanged = co_await http_exchange(std::move(request), http_);
    const auto response = CO_TRY(std::move(exchanged), "token service {}", realm);
    if (response->status() == 401 || response->status() == 403)
        co_return fail(Kind::unauthorized, "unauthorized: incorrect username or password");
    if (response->status() != 200)
        co_return fail(Kind::unavailable, "token service {}: status {}", realm, response->status());
    auto read = co_await response->read_all(kMaxTokenReply);
    const auto text = CO_TRY(std::move(read));
    const auto document = CO_TRY(parse_json(text, "answer of the token service"));
    auto token = CO_TRY(json_string(document, "token"));
    if (token.empty()) token = CO_TRY(json_string(document, "access_token"));
    if (token.empty() || token.find_first_of("\r\n") != std::string::npos)
        co_return fail(Kind::unauthorized, "token service {} gave no token", realm);
    authorization_ = "Bearer " + token;
    co_return Result<void>{};
}

}  // namespace diatom::image
