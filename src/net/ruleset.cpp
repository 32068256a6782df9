#include "net/ruleset.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter_ipv4.h>

#include <algorithm>

namespace diatom::net {
namespace {

using enum NftType;
constexpr const char* kPublished = "published";
constexpr std::uint32_t kLoopbackIndex = 1;  // LOOPBACK_IFINDEX, in every namespace
// What nft calls raw, dstnat, filter and srcnat.
constexpr std::int32_t kRaw = NF_IP_PRI_RAW, kDstnat = NF_IP_PRI_NAT_DST, kFilter = NF_IP_PRI_FILTER,
                       kSrcnat = NF_IP_PRI_NAT_SRC;

constexpr NftChain kChains[] = {
    {.name = kUserChain, .comment = "yours: sees container traffic first, is never changed by the engine"},
    {.name = kPublished, .comment = "published ports to containers"},
    {.name = "martians",
     .comment = "loopback addresses stay on loopback",
     .type = "filter",
     .hook = NF_INET_PRE_ROUTING,
     .priority = kRaw},
    {.name = "prerouting",
     .comment = "published ports, for others",
     .type = "nat",
     .hook = NF_INET_PRE_ROUTING,
     .priority = kDstnat},
    {.name = "output",
     .comment = "published ports, for this host",
     .type = "nat",
     .hook = NF_INET_LOCAL_OUT,
     .priority = kDstnat},
    {.name = "postrouting",
     .comment = "containers to the world",
     .type = "nat",
     .hook = NF_INET_POST_ROUTING,
     .priority = kSrcnat},
    {.name = "forward",
     .comment = "who may talk to containers",
     .type = "filter",
     .hook = NF_INET_FORWARD,
     .priority = kFilter},
};

std::vector<NftRule> rules(const std::string& table) {
    constexpr auto v4 = IpVersion::v4, v6 = IpVersion::v6;
    const auto bit = [](unsigned state) { return NF_CT_STATE_BIT(state); };
    std::vector<NftRule> all;
    const auto rule = [&](const char* chain, const char* comment = "") -> NftRule& {
        return all.emplace_back(table, chain, comment);
    };

    rule("martians").loopback_destination().input_index(kLoopbackIndex, Compare::unequal).verdict(NF_DROP);
    rule("martians").loopback_source().input_index(kLoopbackIndex, Compare::unequal).verdict(NF_DROP);

    rule("prerouting").destination_is_local().jump(kPublished);
    rule("output").destination_is_local().jump(kPublished);
    rule(kPublished).translate(v4, NftRule::Key::address_and_port, kHost4);
    rule(kPublished).translate(v4, NftRule::Key::port, kPorts4);
    rule(kPublished, "refused, not lost").loopback_destination6().verdict(static_cast<std::uint32_t>(NFT_RETURN));
    rule(kPublished).translate(v6, NftRule::Key::address_and_port, kHost6);
    rule(kPublished).translate(v6, NftRule::Key::port, kPorts6);

    rule("postrouting", "this host to its published ports")
        .translated_destination()
        .output(kBridges)
        .source_is_local()
        .masquerade();
    // By subnet and not by input interface, which a packet bridged under br_netfilter no longer knows here.
    rule("postrouting", "containers to published ports")
        .translated_destination()
        .output(kBridges)
        .source(v4, kSubnets4)
        .masquerade();
    rule("postrouting", "containers to published ports")
        .translated_destination()
        .output(kBridges)
        .source(v6, kSubnets6)
        .masquerade();
    for (const auto& [ip, set] : {std::pair(v4, kRouted4), std::pair(v6, kRouted6)}) {
        rule("postrouting", "routed to the world")
            .version(ip)
            .input(set)
            .output(kBridges, Match::not_in)
            .verdict(NF_ACCEPT);
    }
    rule("postrouting", "containers to the world").input(kMasquerade).output(kBridges, Match::not_in).masquerade();

    rule("forward", "not ours").input(kBridges, Match::not_in).output(kBridges, Match::not_in).verdict(NF_ACCEPT);
    rule("forward").jump(kUserChain);
    rule("forward").state(bit(IP_CT_ESTABLISHED) | bit(IP_CT_RELATED)).verdict(NF_ACCEPT);
    rule("forward", "within one bridge").input_and_output(kConnected).verdict(NF_ACCEPT);
    rule("forward", "no way out").input(kInternal).verdict(NF_DROP);
    rule("forward", "no way in").output(kInternal).verdict(NF_DROP);
    rule("forward", "published ports").translated_destination().verdict(NF_ACCEPT);
    rule("forward", "published ports of routed networks").destination_and_port(v4, kOpened4).verdict(NF_ACCEPT);
    rule("forward", "published ports of routed networks").destination_and_port(v6, kOpened6).verdict(NF_ACCEPT);
    rule("forward", "ping").version(v4).protocol(IPPROTO_ICMP).output(kRouted4).verdict(NF_ACCEPT);
    rule("forward", "ping").version(v6).protocol(IPPROTO_ICMPV6).output(kRouted6).verdict(NF_ACCEPT);
    for (const auto& [ip, set] : {std::pair(v4, kUnprotected4), std::pair(v6, kUnprotected6)}) {
        rule("forward", "unprotected").version(ip).input(kBridges, Match::not_in).output(set).verdict(NF_ACCEPT);
    }
    rule("forward", "other networks to containers").output(kBridges).verdict(NF_DROP);
    return all;
}

}  // namespace

const std::vector<NftSet>& ruleset_sets() {
    static const std::vector<NftSet> sets = {
        {.name = kBridges, .comment = "our bridges", .key = {ifname}, .value = {}},
        {.name = kMasquerade, .comment = "leave with this host's address", .key = {ifname}, .value = {}},
        {.name = kInternal, .comment = "no way out", .key = {ifname}, .value = {}},
        {.name = kRouted4, .comment = "leave with the containers' addresses", .key = {ifname}, .value = {}},
        {.name = kRouted6, .comment = "leave with the containers' addresses", .key = {ifname}, .value = {}},
        {.name = kUnprotected4, .comment = "reached at every port", .key = {ifname}, .value = {}},
        {.name = kUnprotected6, .comment = "reached at every port", .key = {ifname}, .value = {}},
        {.name = kOpened4,
         .comment = "ports of routed containers",
         .key = {ipv4_addr, inet_proto, inet_service},
         .value = {}},
        {.name = kOpened6,
         .comment = "ports of routed containers",
         .key = {ipv6_addr, inet_proto, inet_service},
         .value = {}},
        {.name = kConnected, .comment = "talk freely", .key = {ifname, ifname}, .value = {}},
        {.name = kSubnets4,
         .comment = "containers",
         .key = {ipv4_addr},
         .value = {},
         .lookup = NftSet::Lookup::interval},
        {.name = kSubnets6,
         .comment = "containers",
         .key = {ipv6_addr},
         .value = {},
         .lookup = NftSet::Lookup::interval},
        {.name = kPorts4,
         .comment = "on every address",
         .key = {inet_proto, inet_service},
         .value = {ipv4_addr, inet_service}},
        {.name = kPorts6,
         .comment = "on every address",
         .key = {inet_proto, inet_service},
         .value = {ipv6_addr, inet_service}},
        {.name = kHost4,
         .comment = "on one address",
         .key = {ipv4_addr, inet_proto, inet_service},
         .value = {ipv4_addr, inet_service}},
        {.name = kHost6,
         .comment = "on one address",
         .key = {ipv6_addr, inet_proto, inet_service},
         .value = {ipv6_addr, inet_service}},
    };
    return sets;
}

void put_ruleset(NftBatch& batch, const std::string& table) {
    batch.add_table("container networks of Diatom OS; put your own rules into the chain user");
    for (const auto& set : ruleset_sets()) batch.add_set(set);
    for (const auto& chain : kChains) batch.add_chain(chain);
    for (const auto& chain : kChains) {
        if (chain.name != kUserChain) batch.flush_chain(chain.name);
    }
    for (const auto& rule : rules(table)) batch.add_rule(rule);
}

bool is_ruleset_chain(std::string_view name) {
    return std::ranges::any_of(kChains, [&](const NftChain& chain) { return chain.name == name; });
}

bool is_ruleset_set(std::string_view name) {
    return std::ranges::any_of(ruleset_sets(), [&](const NftSet& set) { return set.name == name; });
}

std::size_t ruleset_size() {
    static const std::size_t size = rules("").size();
    return size;
}

}  // namespace diatom::net
