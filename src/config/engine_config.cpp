#include "config/engine_config.h"

#include <algorithm>
#include <array>

#include "base/json.h"
#include "base/strings.h"
#include "sys/file.h"

namespace diatom::config {
namespace {

constexpr std::size_t kMaxConfig = 1U << 20U;
constexpr std::array<std::string_view, 5> kKeys{"registry_mirrors", "insecure_registries", "registry_auths", "proxies",
                                                "tls"};
constexpr std::array<std::string_view, 4> kAuthKeys{"username", "password", "auth", "identitytoken"};
constexpr std::array<std::string_view, 3> kProxyKeys{"http_proxy", "https_proxy", "no_proxy"};
constexpr std::array<std::string_view, 2> kTlsKeys{"address", "port"};

Result<void> check_keys(const Json& object, std::span<const std::string_view> known, const std::string& file) {
    for (const auto& [key, value] : object.items()) {
        if (std::ranges::find(known, key) != known.end()) continue;
        const auto near = nearest(key, known);
        return near ? fail(Kind::invalid, "{}: unknown key \"{}\", did you mean \"{}\"?", file, key, *near)
                    : fail(Kind::invalid, "{}: unknown key \"{}\"", file, key);
    }
    return {};
}

Result<void> decode_mirrors(const Json& document, EngineConfig& config, const std::string& file) {
    const Json& mirrors = json_member(document, "registry_mirrors");
    if (mirrors.is_object()) {
        const auto map = TRY(json_string_map(document, "registry_mirrors"), "{}", file);
        for (const auto& [host, mirror] : map) config.mirrors.emplace_back(host, mirror);
        return {};
    }
    const auto list = TRY(json_strings(document, "registry_mirrors"), "{}", file);
    for (const auto& text : list) {
        const auto pair = cut(text, '=');
        if (!pair) return fail(Kind::invalid, "{}: mirror \"{}\" must be HOST=MIRROR", file, text);
        config.mirrors.emplace_back(pair->first, pair->second);
    }
    return {};
}

Result<RegistryAuth> decode_auth(const Json& value, const std::string& where) {
    if (!value.is_object()) return fail(Kind::invalid, "{}: must be an object", where);
    TRY(check_keys(value, kAuthKeys, where));
    RegistryAuth auth;
    auth.username = TRY(json_string(value, "username"), "{}", where);
    auth.password = TRY(json_string(value, "password"), "{}", where);
    auth.identity_token = TRY(json_string(value, "identitytoken"), "{}", where);
    if (const auto packed = TRY(json_string(value, "auth"), "{}", where); !packed.empty()) {
        const auto plain = decode_base64(packed);
        const auto halves = plain ? cut(*plain, ':') : std::nullopt;
        if (!halves) return fail(Kind::invalid, "{}: \"auth\" must be the base64 of USER:PASSWORD", where);
        auth.username = halves->first;
        auth.password = halves->second;
    }
    if (auth.username.empty() && auth.identity_token.empty())
        return fail(Kind::invalid, "{}: needs \"username\" and \"password\", \"auth\", or \"identitytoken\"", where);
    return auth;
}

Result<void> decode_auths(const Json& auths, EngineConfig& config, const std::string& file) {
    if (auths.is_null()) return {};
    if (!auths.is_object()) return fail(Kind::invalid, "{}: \"registry_auths\" must be an object", file);
    for (const auto& [host, value] : auths.items())
        config.registry_auths[host] = TRY(decode_auth(value, std::format("{}: registry_auths: {}", file, host)));
    return {};
}

Result<void> decode_proxies(const Json& proxies, EngineConfig& config, const std::string& file) {
    if (proxies.is_null()) return {};
    if (!proxies.is_object()) return fail(Kind::invalid, "{}: \"proxies\" must be an object", file);
    TRY(check_keys(proxies, kProxyKeys, file + ": proxies"));
    config.proxies.http = TRY(json_string(proxies, "http_proxy"), "{}: proxies", file);
    config.proxies.https = TRY(json_string(proxies, "https_proxy"), "{}: proxies", file);
    config.proxies.none = TRY(json_string(proxies, "no_proxy"), "{}: proxies", file);
    return {};
}

Result<void> decode_tls(const Json& tls, EngineConfig& config, const std::string& file) {
    if (tls.is_null()) return {};
    if (tls.is_boolean()) {
        config.tls_off = !tls.get<bool>();
        if (!config.tls_off) config.tls = TlsAddress{};
        return {};
    }
    if (!tls.is_object()) return fail(Kind::invalid, "{}: \"tls\" must be an object, true or false", file);
    TRY(check_keys(tls, kTlsKeys, file));
    TlsAddress address;
    address.address = TRY(json_string(tls, "address", address.address), "{}: tls", file);
    const auto port = TRY(json_int(tls, "port", address.port), "{}: tls", file);
    if (port < 1 || port > 65535) return fail(Kind::invalid, "{}: tls: no port {}", file, port);
    address.port = static_cast<std::uint16_t>(port);
    config.tls = std::move(address);
    return {};
}

}  // namespace

Result<EngineConfig> decode_engine_config(std::string_view text, const std::string& file) {
    const auto document = TRY(parse_json(text, file));
    if (!document.is_object()) return fail(Kind::invalid, "{}: must be an object", file);
    TRY(check_keys(document, kKeys, file));
    EngineConfig config;
    TRY(decode_mirrors(document, config, file));
    config.insecure_registries = TRY(json_strings(document, "insecure_registries"), "{}", file);
    TRY(decode_auths(json_member(document, "registry_auths"), config, file));
    TRY(decode_proxies(json_member(document, "proxies"), config, file));
    TRY(decode_tls(json_member(document, "tls"), config, file));
    return config;
}

EngineConfig load_engine_config(const std::string& file, const BootConfig& boot, std::vector<std::string>& warnings) {
    EngineConfig config;
    if (const auto text = sys::read_file(file, kMaxConfig)) {
        auto decoded = decode_engine_config(*text, file);
        if (decoded) config = std::move(*decoded);
        else warnings.push_back(decoded.error().what() + "; the whole file is ignored");
    } else if (text.error().kind() != Kind::not_found) {
        warnings.push_back(text.error().what());
    }
    // The engine asks mirrors in order: those of the command line come first.
    config.mirrors.insert(config.mirrors.begin(), boot.mirrors.begin(), boot.mirrors.end());
    config.insecure_registries.insert(config.insecure_registries.end(), boot.insecure_registries.begin(),
                                      boot.insecure_registries.end());
    if (!boot.proxies.http.empty()) config.proxies.http = boot.proxies.http;
    if (!boot.proxies.https.empty()) config.proxies.https = boot.proxies.https;
    if (!boot.proxies.none.empty()) config.proxies.none = boot.proxies.none;
    if (boot.tls) config.tls = boot.tls;
    if (boot.tls || boot.tls_off) config.tls_off = boot.tls_off;
    return config;
}

void complete_proxies(Proxies& proxies, const std::function<std::string(const char*)>& variable) {
    const auto complete = [&](std::string& value, const char* upper, const char* lower) {
        if (value.empty()) value = variable(upper);
        if (value.empty()) value = variable(lower);
    };
    complete(proxies.http, "HTTP_PROXY", "http_proxy");
    complete(proxies.https, "HTTPS_PROXY", "https_proxy");
    complete(proxies.none, "NO_PROXY", "no_proxy");
}

Result<std::optional<TlsFiles>> find_tls_files(const EngineConfig& config, const std::string& state_dir,
                                               const std::string& fw_cfg_dir) {
    if (config.tls_off) return std::optional<TlsFiles>();
    TlsFiles files{config.tls.value_or(TlsAddress{}), fw_cfg_dir + "/ca.pem/raw", fw_cfg_dir + "/server-cert.pem/raw",
                   fw_cfg_dir + "/server-key.pem/raw"};
    if (sys::exists(files.ca) && sys::exists(files.certificate) && sys::exists(files.key)) return std::optional(files);
    if (!config.tls) return std::optional<TlsFiles>();
    const std::string dir = state_dir + "/tls";
    files.ca = dir + "/ca.pem";
    files.certificate = dir + "/server-cert.pem";
    files.key = dir + "/server-key.pem";
    for (const auto* path : {&files.ca, &files.certificate, &files.key}) {
        if (!sys::exists(*path))
            return fail(Kind::not_found, "TLS is configured but {} is missing: put the certificate there", *path);
    }
    return std::optional(files);
}

}  // namespace diatom::config
