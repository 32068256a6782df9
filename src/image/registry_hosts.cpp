#include "image/registry_hosts.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "base/strings.h"

namespace diatom::image {
namespace {

struct Bits {
    std::array<unsigned char, 16> bytes{};
    unsigned size = 0;  // bytes
};

std::optional<Bits> parse_address(std::string_view text) {
    Bits bits;
    const std::string name(text);
    if (::inet_pton(AF_INET, name.c_str(), bits.bytes.data()) == 1) bits.size = 4;
    else if (::inet_pton(AF_INET6, name.c_str(), bits.bytes.data()) == 1) bits.size = 16;
    else return std::nullopt;
    return bits;
}

bool in_block(std::string_view host, std::string_view block) {
    const auto halves = cut(block, '/');
    const auto address = parse_address(host);
    const auto base = parse_address(halves ? halves->first : block);
    if (!address || !base || address->size != base->size) return false;
    const auto prefix = halves ? parse_uint(halves->second) : std::optional<std::uint64_t>(base->size * 8);
    if (!prefix || *prefix > base->size * 8) return false;
    const auto whole = *prefix / 8, rest = *prefix % 8;
    if (std::memcmp(address->bytes.data(), base->bytes.data(), whole) != 0) return false;
    return rest == 0 || ((address->bytes[whole] ^ base->bytes[whole]) >> (8 - rest)) == 0;
}

bool is_loopback(std::string_view host) {
    return host == "localhost" || in_block(host, "127.0.0.0/8") || host == "::1";
}

void append_bases(std::string_view address, const RegistryOptions& options, RegistryBase base,
                  std::vector<RegistryBase>& bases) {
    const bool explicit_scheme = address.starts_with("http://") || address.starts_with("https://");
    auto secure = Url::parse(explicit_scheme ? std::string(address) : "https://" + std::string(address));
    if (!secure) return;
    base.url = *secure;
    bases.push_back(base);
    if (explicit_scheme || !is_insecure(*secure, options)) return;
    auto plain = Url::parse("http://" + std::string(address));
    if (!plain) return;
    base.url = std::move(*plain);
    bases.push_back(std::move(base));
}

}  // namespace

bool is_insecure(const Url& url, const RegistryOptions& options) {
    if (is_loopback(url.host)) return true;
    const std::string with_port = std::format("{}:{}", url.host, url.port);
    return std::ranges::any_of(options.insecure, [&](const std::string& entry) {
        return entry == url.host || entry == with_port || entry == url.authority() || in_block(url.host, entry);
    });
}

std::vector<RegistryBase> registry_bases(const std::string& domain, const RegistryOptions& options, Mirrors mirrors) {
    std::vector<RegistryBase> bases;
    for (const auto& [host, mirror] : options.mirrors) {
        if (mirrors == Mirrors::first && (host == domain || host == "*"))
            append_bases(mirror, options, {.url = {}, .name = login_host(mirror), .mirror = true}, bases);
    }
    append_bases(domain == "docker.io" ? "registry-1.docker.io" : domain, options,
                 {.url = {}, .name = domain, .mirror = false}, bases);
    return bases;
}

bool Failures::forbid(const RegistryBase& base) const { return !base.url.tls && asked_who_ && base.name == over_tls_; }

bool Failures::add(const RegistryBase& base, Error error) {
    const auto kind = error.kind();
    const bool refused = kind == Kind::denied || kind == Kind::unauthorized;
    const bool answered = refused || kind == Kind::not_found;
    const bool beside_tls = !base.url.tls && base.name == over_tls_;
    if (beside_tls && !answered) return true;
    const bool goes_on = answered || kind == Kind::unavailable || kind == Kind::timed_out;
    if (base.url.tls && answered) {
        over_tls_ = base.name;
        asked_who_ = refused;
    }
    if (!goes_on || !error_ || kind != Kind::unavailable || error_->kind() == Kind::unavailable)
        error_ = std::move(error);
    return goes_on;
}

std::optional<Credentials> credentials_for(const RegistryBase& base, const std::optional<Credentials>& given,
                                           const RegistryOptions& options) {
    if (given && !base.mirror) return given;
    const auto it = options.credentials.find(base.name);
    return it == options.credentials.end() ? std::nullopt : std::optional(it->second);
}

bool bypasses_proxy(std::string_view host, std::string_view no_proxy) {
    if (is_loopback(host)) return true;
    const auto entries = split(no_proxy, ',');
    return std::ranges::any_of(entries, [&](std::string_view entry) {
        entry = trim(entry);
        if (entry.empty()) return false;
        if (entry == "*" || entry == host || in_block(host, entry)) return true;
        if (entry.starts_with("*.")) entry.remove_prefix(1);
        const auto suffix = entry.starts_with('.') ? std::string(entry) : "." + std::string(entry);
        return host.ends_with(suffix);
    });
}

std::string login_host(std::string_view address) {
    for (const std::string_view scheme : {"https://", "http://"}) {
        if (address.starts_with(scheme)) address.remove_prefix(scheme.size());
    }
    const auto host = address.substr(0, address.find('/'));
    return host == "index.docker.io" ? "docker.io" : std::string(host);
}

}  // namespace diatom::image
