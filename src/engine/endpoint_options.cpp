#include "engine/endpoint_options.h"

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "net/endpoint.h"

namespace diatom::engine {
namespace {

// In small letters too: docker's command line writes all options so.
constexpr std::array<std::string_view, 2> kPlaceholders = {"IFNAME", "ifname"};

Failure malformed(std::string_view text) {
    return fail(Kind::invalid, "option {}: \"{}\" is not of the form net.X.Y.IFNAME.Z=VALUE", kSysctlsOption, text);
}

// Of the interface alone: "net.ipv4.conf.all.…" is the namespace's, for --sysctl.
Result<std::pair<std::string, std::string>> parse_sysctl(std::string_view text, const std::string& interface) {
    const auto halves = cut(text, '=');
    if (!halves || halves->second.empty()) return malformed(text);
    const auto parts = split(halves->first, '.');
    constexpr std::array<std::string_view, 3> kFamilies = {"ipv4", "ipv6", "mpls"};
    const bool right = parts.size() == 5 && parts[0] == "net" && std::ranges::contains(kFamilies, parts[1]) &&
                       (parts[2] == "conf" || parts[2] == "neigh") && std::ranges::contains(kPlaceholders, parts[3]);
    const auto is_plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
    if (!right || parts[4].empty() || !std::ranges::all_of(parts[4], is_plain)) return malformed(text);
    return std::pair(std::format("{}/{}/{}/{}", parts[1], parts[2], interface, parts[4]), std::string(halves->second));
}

}  // namespace

Result<void> check_endpoint_options(const EndpointConfig& endpoint) {
    for (const auto& [key, value] : endpoint.options) {
        if (key == kInterfaceOption) {
            if (!value.empty()) TRY(net::check_interface_name(value), "option {}", key);
        } else if (key == kSysctlsOption) {
            TRY(endpoint_sysctls(endpoint, "eth0"));
        } else if (key.starts_with("com.docker.network.endpoint.")) {
            return fail(Kind::unsupported, "driver option {} is not in this version: leave it out", key);
        }
    }
    return {};
}

Result<std::map<std::string, std::string>> endpoint_sysctls(const EndpointConfig& endpoint,
                                                            const std::string& interface) {
    std::map<std::string, std::string> sysctls;
    const auto given = endpoint.options.find(kSysctlsOption);
    if (given == endpoint.options.end()) return sysctls;
    for (const auto part : split(given->second, ',')) {
        if (trim(part).empty()) continue;
        auto [name, value] = TRY(parse_sysctl(trim(part), interface));
        sysctls[std::move(name)] = std::move(value);
    }
    return sysctls;
}

}  // namespace diatom::engine
