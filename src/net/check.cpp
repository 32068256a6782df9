// LinuxNetwork: this host compared with what there should be.
#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "net/endpoint.h"
#include "net/linux_network.h"
#include "net/nft_read.h"
#include "net/ruleset.h"

namespace diatom::net {
namespace {

constexpr std::size_t kAddress4 = 4, kAddress6 = 16, kPadded = 4;

std::string address_text(std::string_view bytes) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = bytes.size() == kAddress4 ? AF_INET : AF_INET6;
    return ::inet_ntop(family, bytes.data(), text.data(), text.size()) == nullptr ? "?" : text.data();
}

// "protocol . port", each padded to four bytes.
std::string port_text(std::string_view bytes) {
    const auto number = static_cast<std::uint8_t>(bytes[0]);
    const auto high = static_cast<std::uint8_t>(bytes[kPadded]), low = static_cast<std::uint8_t>(bytes[kPadded + 1]);
    const char* protocol = number == IPPROTO_UDP ? "udp" : number == IPPROTO_TCP ? "tcp" : "sctp";
    return std::format("{} {}", protocol, high << 8U | low);
}

std::string names_text(std::string_view bytes) {
    std::string text;
    for (std::size_t at = 0; at < bytes.size(); at += kAddress6) {
        const auto name = bytes.substr(at, kAddress6);
        text += (text.empty() ? "" : " . ") + std::string(name.substr(0, name.find('\0')));
    }
    return text;
}

// As `nft list table` would show it, near enough to be found there.
std::string text_of(const std::string& set, const NftElement& element) {
    const std::string_view key = element.key;
    if ((set == kPorts4 || set == kPorts6) && key.size() == 2 * kPadded) return port_text(key);
    if (set == kHost4 && key.size() == kAddress4 + 2 * kPadded)
        return address_text(key.substr(0, kAddress4)) + " " + port_text(key.substr(kAddress4));
    if (set == kHost6 && key.size() == kAddress6 + 2 * kPadded)
        return address_text(key.substr(0, kAddress6)) + " " + port_text(key.substr(kAddress6));
    if (key.size() == kAddress4 || set == kSubnets6) return address_text(key) + (element.end ? " (end)" : "");
    return names_text(key);
}

const Link* named(const std::vector<Link>& links, const std::string& name) {
    const auto found = std::ranges::find(links, name, &Link::name);
    return found == links.end() ? nullptr : &*found;
}

bool is_named_as_pair(const Link& link) {
    for (unsigned attempt = 0; attempt < kVethNames; ++attempt) {
        if (link.name == veth_name(link.alias, attempt)) return true;
    }
    return false;
}

}  // namespace

bool LinuxNetwork::is_our_pair(const Link& link, const std::vector<Link>& links) const {
    if (link.kind != "veth") return false;
    const bool on_ours = std::ranges::any_of(bridges_, [&](const auto& bridge) {
        const auto* of = named(links, bridge.first);
        return of != nullptr && of->index == link.master;
    });
    // Without an alias: cut off before it got one.
    if (link.alias.empty()) return on_ours && link.name.starts_with("veth");
    return is_named_as_pair(link) && (on_ours || link.master == 0);  // those of another engine are on its bridges
}

void LinuxNetwork::check_pairs(const std::vector<Link>& links, const std::vector<EndpointName>& endpoints,
                               Findings& findings) {
    std::set<std::string> wanted;
    for (const auto& endpoint : endpoints) {
        const auto alias = veth_alias(endpoint.container, endpoint.interface);
        wanted.insert(alias);
        if (endpoint.tolerated || std::ranges::contains(links, alias, &Link::alias)) continue;
        findings.push_back({.what = "the interface of a running container is missing",
                            .where = std::format("{} of container {}", endpoint.interface, endpoint.container),
                            .advice = "restart the container"});
    }
    for (const auto& link : links) {
        if (!is_our_pair(link, links) || wanted.contains(link.alias)) continue;
        findings.push_back({.what = "a veth pair that belongs to no running container",
                            .where = std::format("{} ({})", link.name, link.alias.empty() ? "no alias" : link.alias),
                            .advice = std::format("ip link delete {}", link.name)});
    }
}

void LinuxNetwork::check_bridges(const std::vector<Link>& links, Findings& findings) {
    for (const auto& [name, bridge] : bridges_) {
        const auto* link = named(links, name);
        if (link != nullptr && link->kind == "bridge" && link->up) continue;
        findings.push_back({.what = "the bridge of a network is missing or down",
                            .where = name,
                            .advice = "restart the engine, which sets it up again"});
    }
    for (const auto& link : links) {
        if (link.alias != our_alias() || bridges_.contains(link.name) || parents_.contains(link.name)) continue;
        findings.push_back({.what = "an interface that belongs to no network",
                            .where = link.name,
                            .advice = std::format("ip link delete {}", link.name)});
    }
}

Result<void> LinuxNetwork::check_table(Findings& findings) {
    const std::string table = "table inet " + table_;
    if (!TRY(table_present())) {
        findings.push_back({.what = "rules of the engine are missing",
                            .where = table,
                            .advice = "restart the engine, which writes them again"});
        return {};
    }
    const Elements expected = all_elements();
    Elements found;
    for (const auto& set : ruleset_sets()) found[set.name] = TRY(read_elements(nft_, table_, set.name));
    const auto report = [&](const Elements& elements, const char* what, const char* advice) {
        for (const auto& [set, list] : elements) {
            for (const auto& element : list)
                findings.push_back({.what = what,
                                    .where = std::format("{}, set {}: {}", table, set, text_of(set, element)),
                                    .advice = advice});
        }
    };
    report(difference(found, expected), "an nftables element that belongs to no network and no container",
           "restart the engine, which drops it");
    report(difference(expected, found), "an nftables element is missing", "restart the engine, which writes it again");
    return {};
}

Result<Findings> LinuxNetwork::check(const std::vector<EndpointName>& endpoints) {
    Findings findings;
    const auto links = TRY(links_.all());
    check_pairs(links, endpoints, findings);
    check_bridges(links, findings);
    TRY(check_table(findings));
    return findings;
}

Result<void> LinuxNetwork::remove_strays(const std::vector<EndpointName>& endpoints) {
    std::set<std::string> wanted;
    for (const auto& endpoint : endpoints) wanted.insert(veth_alias(endpoint.container, endpoint.interface));
    const auto links = TRY(links_.all());
    for (const auto& link : links) {
        if (is_our_pair(link, links) && !wanted.contains(link.alias)) TRY(links_.remove(link.name));
    }
    return {};
}

Result<bool> LinuxNetwork::is_attached(const EndpointName& endpoint) {
    const auto alias = veth_alias(endpoint.container, endpoint.interface);
    const auto links = TRY(links_.all());
    return std::ranges::contains(links, alias, &Link::alias);
}

}  // namespace diatom::net
