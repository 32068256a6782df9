#include "machine/formats.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>

#include "base/strings.h"
#include "journal/settings.h"
#include "sys/clock.h"

namespace diatom::machine {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_alnum(char c) { return is_digit(c) || is_lower(c) || (c >= 'A' && c <= 'Z'); }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

bool is_label(std::string_view label) {
    return !label.empty() && label.size() <= 63 && is_alnum(label.front()) && is_alnum(label.back()) &&
           std::ranges::all_of(label, [](char c) { return is_alnum(c) || c == '-'; });
}

bool is_host_name(std::string_view name) {
    return name.size() <= 253 && std::ranges::all_of(split(name, '.'), is_label);
}

bool is_user_name(std::string_view name) {
    if (name.empty() || name.size() > 32 || (!is_lower(name.front()) && name.front() != '_')) return false;
    if (name.ends_with('$')) name.remove_suffix(1);
    return std::ranges::all_of(name,
                               [](char c) { return is_lower(c) || is_digit(c) || c == '_' || c == '-' || c == '.'; });
}

bool is_path(std::string_view path) {
    if (!path.starts_with('/') || path.contains('\0')) return false;
    if (path == "/") return true;
    return std::ranges::all_of(split(path.substr(1), '/'),
                               [](std::string_view part) { return !part.empty() && part != "." && part != ".."; });
}

bool is_mode(std::string_view mode) {
    return (mode.size() == 3 || mode.size() == 4) &&
           std::ranges::all_of(mode, [](char c) { return c >= '0' && c <= '7'; });
}

bool is_size(std::string_view text) { return parse_bytes(text).has_value(); }

bool is_duration(std::string_view text) { return sys::parse_duration(text).has_value(); }

bool is_date(std::string_view text) {
    const auto parts = split(text, '-');
    if (text.size() != 10 || parts.size() != 3 || parts[0].size() != 4 || parts[1].size() != 2) return false;
    const auto year = parse_uint(parts[0]), month = parse_uint(parts[1]), day = parse_uint(parts[2]);
    if (!year || !month || !day) return false;
    return std::chrono::year_month_day{std::chrono::year(static_cast<int>(*year)),
                                       std::chrono::month(static_cast<unsigned>(*month)),
                                       std::chrono::day(static_cast<unsigned>(*day))}
        .ok();
}

int family(std::string_view text) {
    std::array<unsigned char, 16> bytes;
    const std::string address(text);
    if (::inet_pton(AF_INET, address.c_str(), bytes.data()) == 1) return AF_INET;
    return ::inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1 ? AF_INET6 : AF_UNSPEC;
}

bool is_address(std::string_view text) { return family(text) != AF_UNSPEC; }

bool is_host(std::string_view text) { return is_host_name(text) || is_address(text); }

bool is_prefix(std::string_view text) {
    const auto halves = cut(text, '/');
    if (!halves) return false;
    const auto bits = parse_uint(halves->second);
    const int kind = family(halves->first);
    return bits && ((kind == AF_INET && *bits <= 32) || (kind == AF_INET6 && *bits <= 128));
}

bool is_route(std::string_view text) { return text == "default" || is_prefix(text) || is_address(text); }

bool is_mac(std::string_view text) {
    const auto bytes = split(text, ':');
    return bytes.size() == 6 && std::ranges::all_of(bytes, [](std::string_view byte) {
               return byte.size() == 2 && std::ranges::all_of(byte, is_hex);
           });
}

bool is_ssh_key(std::string_view line) {
    // Options may stand before the type of the key; every type of OpenSSH's begins with one of these.
    static constexpr std::array<std::string_view, 4> kTypes{"ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-sha2-"};
    if (line.contains('\n')) return false;
    const auto words = split_words(line);
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
        const auto typed =
            std::ranges::any_of(kTypes, [&](std::string_view type) { return words[i].starts_with(type); });
        if (typed) return decode_base64(words[i + 1]).has_value();
    }
    return false;
}

bool is_url(std::string_view text) {
    static constexpr std::array<std::string_view, 7> kSchemes{"http://", "https://", "data:",  "tftp://",
                                                              "s3://",   "gs://",    "file://"};
    return std::ranges::any_of(kSchemes, [&](std::string_view scheme) {
        return text.size() > scheme.size() && to_lower(text.substr(0, scheme.size())) == scheme;
    });
}

bool is_receiver(std::string_view text) { return journal::Receiver::parse(text).has_value(); }

bool is_pem(std::string_view text) { return text.contains("-----BEGIN ") && text.contains("-----END "); }

bool is_sysctl(std::string_view name) {
    const auto allowed = [](char c) { return is_alnum(c) || c == '_' || c == '-' || c == '.' || c == '/'; };
    return !name.empty() && std::ranges::all_of(name, allowed) && !name.contains("..") && !name.contains("//") &&
           !name.starts_with('/') && !name.starts_with('.');
}

bool is_variable(std::string_view name) { return !name.empty() && !name.contains('=') && !name.contains('\0'); }

bool is_interface(std::string_view name) {
    if (name.starts_with("mac=")) return is_mac(name.substr(4));
    return !name.empty() && name.size() <= 15 && name != "." && name != ".." && std::ranges::none_of(name, [](char c) {
        return c == '/' || c == ' ' || c == '\t' || c == '\n' || c == '\0';
    });
}

}  // namespace

const Format kHostName{"hostname", "a host name such as web-1 or web-1.example.com", is_host_name};
const Format kHost{"host", "a host name or an address", is_host};
const Format kUserName{"user-name", "a user name such as core: lower-case letters, digits, '-' and '_'", is_user_name};
const Format kPath{"path", "an absolute path without \".\" and \"..\"", is_path};
const Format kMode{"mode", "an octal mode in quotes, such as \"0644\"", is_mode};
const Format kSize{"size", "a size such as 512m", is_size};
const Format kDuration{"duration", "a duration such as 1m30s", is_duration};
const Format kDate{"date", "a day such as 2027-12-31", is_date};
const Format kAddress{"ip-address", "an IPv4 or IPv6 address", is_address};
const Format kPrefix{"ip-prefix", "an address with the length of its network, such as 192.0.2.7/24", is_prefix};
const Format kRoute{"ip-route", "a network such as 198.51.100.0/24, or \"default\"", is_route};
const Format kMac{"mac-address", "a hardware address such as 52:54:00:12:34:56", is_mac};
const Format kSshKey{"ssh-key", "a public key as ssh-keygen writes it: ssh-ed25519 AAAA… name", is_ssh_key};
const Format kUrl{"url", "a URL such as https://example.com/file", is_url};
const Format kReceiver{"log-receiver", "a receiver of the log such as tls://log.example.com:6514, tcp:// or udp://",
                       is_receiver};
const Format kPem{"pem", "a certificate in PEM: -----BEGIN CERTIFICATE-----…", is_pem};
const Format kSysctl{"sysctl", "the name of a kernel setting such as net.ipv4.ip_forward", is_sysctl};
const Format kVariable{"variable", "the name of a variable", is_variable};
const Format kInterface{"interface", "the name of an interface such as eth0, a glob, or mac=52:54:00:12:34:56",
                        is_interface};

}  // namespace diatom::machine
