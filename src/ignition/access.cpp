#include "ignition/access.h"

#include <algorithm>

#include "ignition/data_url.h"
#include "machine/formats.h"

namespace diatom::ignition {

Result<Access> access_of(const Value& config, const Fetch& fetch, AuthorityCache& cache) {
    const auto& ignition = config.at("ignition");
    const auto seconds = [&](std::string_view key, int fallback) {
        constexpr std::int64_t kMost = 86400;
        return static_cast<int>(std::min(ignition.at("timeouts").integer_of(key, fallback), kMost));
    };
    Access access;
    access.header_timeout_s = seconds("httpResponseHeaders", access.header_timeout_s);
    access.total_timeout_s = seconds("httpTotal", access.total_timeout_s);
    access.http_proxy = ignition.at("proxy").text_of("httpProxy");
    access.https_proxy = ignition.at("proxy").text_of("httpsProxy");
    access.no_proxy = ignition.at("proxy").texts_of("noProxy");
    std::string authorities;
    for (const auto& authority : ignition.at("security").at("tls").at("certificateAuthorities").items()) {
        const auto source = authority.text_of("source");
        if (!cache.contains(source)) {
            auto pem = TRY(obtain(authority, access, fetch), "certificate authority {}", shown_source(authority));
            if (!machine::kPem.valid(pem)) {
                return fail(Kind::invalid, "certificate authority {}: is not PEM", shown_source(authority));
            }
            cache.emplace(source, std::move(pem));
        }
        authorities += cache.at(source);
        if (!authorities.ends_with('\n')) authorities += '\n';
    }
    access.authorities = std::move(authorities);
    return access;
}

std::string shown_source(const Value& reference) {
    auto url = reference.text_of("source");
    if (url_scheme(url) == "data") {
        const auto& mark = reference.mark();
        return std::format("data: URL of {}:{}", mark.file ? *mark.file : std::string("?"), mark.line);
    }
    url = url.substr(0, url.find_first_of("?#"));
    const auto host = url.find("//");
    if (host == std::string::npos) return url;
    const auto end = url.find('/', host + 2);
    const auto at = url.rfind('@', end);
    if (at != std::string::npos && at > host) url.erase(host + 2, at - host - 1);
    return url;
}

}  // namespace diatom::ignition
