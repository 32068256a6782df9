#include <algorithm>

#include "base/strings.h"
#include "http/client.h"

namespace diatom::http {
namespace {

// "registry.example", "10.0.2.2", "[fd00::1%25eth0]": what may stand in a Host header. RFC 3986, section 3.2.2.
bool is_host(std::string_view host) {
    const bool bracketed = host.starts_with('[') && host.ends_with(']');
    if (bracketed) host = host.substr(1, host.size() - 2);
    const std::string_view marks = bracketed ? ":.%" : "-._";
    return !host.empty() && std::ranges::all_of(host, [&](unsigned char c) {
        return c < 0x80 && (std::isalnum(c) != 0 || marks.contains(static_cast<char>(c)));
    });
}

// White space and control characters end a word or a line of the request that the URL is written into.
bool breaks_lines(std::string_view text) {
    return std::ranges::any_of(text, [](unsigned char c) { return c <= ' ' || c == 0x7f; });
}

}  // namespace

std::string percent_encode(std::string_view text) {
    std::string encoded;
    for (const unsigned char c : text) {
        if (std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_' || c == '~') encoded += static_cast<char>(c);
        else encoded += std::format("%{:02X}", c);
    }
    return encoded;
}

Result<Url> Url::parse(std::string_view text) {
    Url url;
    std::string_view rest = text;
    if (rest.starts_with("https://")) {
        rest.remove_prefix(8);
    } else if (rest.starts_with("http://")) {
        rest.remove_prefix(7);
        url.tls = false;
        url.port = 80;
    } else {
        return fail(Kind::invalid, "\"{}\" is not an http or https URL", text.substr(0, 200));
    }
    const auto slash = std::min(rest.find_first_of("/?"), rest.size());
    auto authority = rest.substr(0, slash);
    rest.remove_prefix(slash);
    if (const auto at = authority.rfind('@'); at != std::string_view::npos) authority.remove_prefix(at + 1);
    const auto bracket = authority.find(']');
    const auto colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
    auto host = authority.substr(0, colon);
    if (colon != std::string_view::npos) {
        const auto port = parse_uint(authority.substr(colon + 1));
        if (!port || *port == 0 || *port > 65535)
            return fail(Kind::invalid, "\"{}\" has no valid port", text.substr(0, 200));
        url.port = static_cast<std::uint16_t>(*port);
    }
    if (!is_host(host)) return fail(Kind::invalid, "\"{}\" names no host", text.substr(0, 200));
    if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
    url.host = host;
    rest = rest.substr(0, rest.find('#'));
    if (breaks_lines(rest))
        return fail(Kind::invalid, "\"{}\" contains white space or control characters", text.substr(0, 200));
    url.target = rest.starts_with('/') ? std::string(rest) : "/" + std::string(rest);
    return url;
}

Result<Url> Url::resolve(std::string_view location) const {
    if (location.starts_with("//")) return parse(std::format("{}:{}", tls ? "https" : "http", location));
    if (!location.starts_with('/')) return parse(location);
    return parse(std::format("{}://{}{}", tls ? "https" : "http", authority(), location));
}

std::string Url::authority() const {
    const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
    return port == (tls ? 443 : 80) ? name : std::format("{}:{}", name, port);
}

std::string Url::text() const { return std::format("{}://{}{}", tls ? "https" : "http", authority(), target); }

}  // namespace diatom::http
