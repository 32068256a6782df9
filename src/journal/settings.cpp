#include "journal/settings.h"

#include <algorithm>
#include <array>

#include "base/json.h"
#include "base/strings.h"
#include "sys/file.h"

namespace diatom::journal {
namespace {

struct Scheme {
    std::string_view name, port;
    Receiver::Transport transport;
};
// RFC 5426, RFC 6587 (601 is IANA's syslog-conn), RFC 5425.
constexpr std::array<Scheme, 3> kSchemes{{{"udp", "514", Receiver::Transport::udp},
                                          {"tcp", "601", Receiver::Transport::tcp},
                                          {"tls", "6514", Receiver::Transport::tls}}};
constexpr std::string_view kForm = "must be udp://HOST[:PORT], tcp://HOST[:PORT] or tls://HOST[:PORT]";
constexpr std::uint64_t kFileSystemParts = 32;

bool is_port(std::string_view text) {
    const auto port = parse_uint(text);
    return port && *port > 0 && *port < 65536;
}

bool is_host(std::string_view host) {
    return !host.empty() && host.find_first_of("/@?# \t\n[]") == std::string_view::npos;
}

}  // namespace

std::string Receiver::url() const {
    const auto& scheme = *std::ranges::find(kSchemes, transport, &Scheme::transport);
    const auto name = host.contains(':') ? "[" + host + "]" : host;
    return std::format("{}://{}:{}", scheme.name, name, port);
}

Result<Receiver> Receiver::parse(std::string_view url) {
    const auto mark = url.find("://");
    const auto* scheme = std::ranges::find(kSchemes, url.substr(0, mark), &Scheme::name);
    if (mark == std::string_view::npos || scheme == kSchemes.end()) return fail(Kind::invalid, "{} {}", url, kForm);
    auto rest = url.substr(mark + 3);
    if (rest.ends_with('/')) rest.remove_suffix(1);
    Receiver receiver{.transport = scheme->transport, .host = {}, .port = std::string(scheme->port)};
    const auto close = rest.starts_with('[') ? rest.find(']') : 0;
    if (close == std::string_view::npos) return fail(Kind::invalid, "{} {}", url, kForm);
    auto host = close == 0 ? rest.substr(0, rest.find(':')) : rest.substr(1, close - 1);
    rest.remove_prefix(close == 0 ? host.size() : close + 1);
    receiver.host = host;
    if (!rest.empty()) {
        receiver.port = rest.substr(1);
        if (!rest.starts_with(':') || !is_port(receiver.port)) return fail(Kind::invalid, "{} {}", url, kForm);
    }
    if (!is_host(host)) return fail(Kind::invalid, "{} {}", url, kForm);
    return receiver;
}

std::string Settings::encode() const {
    Json json = Json::object();
    if (level) json["level"] = to_string(*level);
    if (max_bytes) json["max_bytes"] = *max_bytes;
    if (max_age_ns != 0) json["max_age_ns"] = max_age_ns;
    if (!forward.empty()) json["forward"] = forward;
    return dump_json(json, 2) + "\n";
}

Result<Settings> Settings::decode(std::string_view text) {
    const auto json = TRY(parse_json(text, "settings of the log"));
    Settings settings;
    if (const auto level = TRY(json_string(json, "level")); !level.empty()) {
        settings.level = parse_priority(level);
        if (!settings.level) return fail(Kind::invalid, "{} is no level", level);
    }
    if (const auto bytes = TRY(json_int(json, "max_bytes")); bytes > 0)
        settings.max_bytes = static_cast<std::uint64_t>(bytes);
    settings.max_age_ns = std::max<std::int64_t>(TRY(json_int(json, "max_age_ns")), 0);
    settings.forward = TRY(json_strings(json, "forward"));
    return settings;
}

Result<Settings> Settings::read(const std::string& path) {
    const auto text = sys::read_file(path, 1U << 20U);
    if (!text && text.error().kind() == Kind::not_found) return Settings{};
    return decode(TRY(Result<std::string>(text)));
}

Limits limits_of(const Settings& settings, std::uint64_t file_system_bytes) {
    Limits limits{.max_age_ns = settings.max_age_ns};
    limits.max_bytes = settings.max_bytes.value_or(std::min(limits.max_bytes, file_system_bytes / kFileSystemParts));
    limits.max_bytes = std::max<std::uint64_t>(limits.max_bytes, 1U << 20U);
    return limits;
}

}  // namespace diatom::journal
