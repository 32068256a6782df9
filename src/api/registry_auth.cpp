#include "api/registry_auth.h"

#include "base/json.h"
#include "base/strings.h"

namespace diatom::api {

Result<std::optional<image::Credentials>> decode_registry_auth(std::string_view header) {
    if (header.empty()) return std::nullopt;
    const auto text = decode_base64(header);
    if (!text) return fail(Kind::invalid, "X-Registry-Auth is not base64");
    if (trim(*text).empty()) return std::nullopt;
    const auto body = TRY(parse_json(*text, "X-Registry-Auth"));
    image::Credentials credentials;
    credentials.username = TRY(json_string(body, "username"));
    credentials.password = TRY(json_string(body, "password"));
    credentials.identity_token = TRY(json_string(body, "identitytoken"));
    credentials.registry_token = TRY(json_string(body, "registrytoken"));
    if (credentials.username.empty() && credentials.identity_token.empty() && credentials.registry_token.empty())
        return std::nullopt;
    return credentials;
}

}  // namespace diatom::api
