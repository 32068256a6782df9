// One nftables rule, written expression by expression in the order in which the kernel evaluates them. A rule whose
// match fails is skipped; one that reaches its verdict is done. Thread side: any, each object by one thread.
// Registers are the 32-bit ones; a lookup key or value lies in consecutive registers from the one that is named.
// Source: include/uapi/linux/netfilter/nf_tables.h of Linux 6.12, nft(8).
#pragma once

#include <libnftnl/rule.h>
#include <linux/netfilter/nf_tables.h>

#include <cstdint>
#include <memory>
#include <string>

struct nftnl_expr;

namespace diatom::net {

enum class IpVersion : std::uint8_t { v4, v6 };
enum class Match : std::uint8_t { in, not_in };
enum class Compare : std::uint8_t { equal, unequal };

class NftRule {
public:
    NftRule(const std::string& table, const std::string& chain, const std::string& comment);

    // Matches.
    NftRule& version(IpVersion version);                                // meta nfproto
    NftRule& input(const char* set, Match match = Match::in);           // iifname @set
    NftRule& output(const char* set, Match match = Match::in);          // oifname @set
    NftRule& input_and_output(const char* set);                         // iifname . oifname @set
    NftRule& input_index(std::uint32_t index, Compare compare);         // iif
    NftRule& destination_is_local();                                    // fib daddr type local
    NftRule& source_is_local();                                         // fib saddr type local
    NftRule& source(IpVersion version, const char* set);                // ip saddr @set
    NftRule& destination_and_port(IpVersion version, const char* set);  // ip daddr . l4proto . dport @set
    NftRule& protocol(std::uint8_t number);                             // meta l4proto
    NftRule& loopback_source();                                         // ip saddr 127.0.0.0/8
    NftRule& loopback_destination();                                    // ip daddr 127.0.0.0/8
    NftRule& loopback_destination6();                                   // ip6 daddr ::1
    NftRule& source4(std::uint32_t address);                            // ip saddr, network order
    NftRule& destination4(std::uint32_t address);                       // ip daddr, network order
    NftRule& source_port(std::uint8_t protocol, std::uint16_t port);
    NftRule& destination_port(std::uint8_t protocol, std::uint16_t port);
    NftRule& state(std::uint32_t bits);  // ct state, any of NF_CT_STATE_BIT()
    NftRule& translated_destination();   // ct status dnat

    // Verdicts.
    NftRule& verdict(std::uint32_t verdict);  // NF_ACCEPT, NF_DROP
    NftRule& jump(const char* chain);
    NftRule& masquerade();
    // dnat to [daddr .] l4proto . dport map @map: skipped when the map lacks the key. `keyed_by_address`: with daddr.
    enum class Key : std::uint8_t { port, address_and_port };
    NftRule& translate(IpVersion version, Key key, const char* map);

    // Statements that rewrite the packet: of UDP or TCP.
    NftRule& set_source_port(std::uint8_t protocol, std::uint16_t port);
    NftRule& set_destination_port(std::uint8_t protocol, std::uint16_t port);

    nftnl_rule* get() const noexcept { return rule_.get(); }

private:
    NftRule& add(nftnl_expr* expression);
    NftRule& load_meta(std::uint32_t key, unsigned reg);
    NftRule& load_payload(std::uint32_t base, std::uint32_t offset, std::uint32_t size, unsigned reg);
    NftRule& match_port(std::uint8_t protocol, std::uint32_t offset, std::uint16_t port);
    NftRule& write_port(std::uint8_t protocol, std::uint32_t offset, std::uint16_t port);
    NftRule& load_conntrack(std::uint32_t key, unsigned reg);
    NftRule& load_fib_type(std::uint32_t flags, unsigned reg);
    NftRule& mask(unsigned reg, std::uint32_t mask);
    NftRule& compare(unsigned reg, std::uint32_t operation, const void* data, std::uint32_t size);
    NftRule& lookup(unsigned reg, const char* set, Match match);

    struct Free {
        void operator()(nftnl_rule* rule) const noexcept { nftnl_rule_free(rule); }
    };
    std::unique_ptr<nftnl_rule, Free> rule_;
};

}  // namespace diatom::net
