#include "net/nft_rule.h"

#include <arpa/inet.h>
#include <libnftnl/expr.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>

#include <cstddef>
#include <new>

namespace diatom::net {
namespace {

// Offsets and sizes of the addresses in the headers (RFC 791, RFC 8200).
struct AddressField {
    std::uint32_t offset, size;
};
AddressField source_field(IpVersion version) {
    return version == IpVersion::v4 ? AddressField{.offset = 12, .size = 4} : AddressField{.offset = 8, .size = 16};
}
AddressField destination_field(IpVersion version) {
    return version == IpVersion::v4 ? AddressField{.offset = 16, .size = 4} : AddressField{.offset = 24, .size = 16};
}

std::uint8_t protocol_family(IpVersion version) { return version == IpVersion::v4 ? NFPROTO_IPV4 : NFPROTO_IPV6; }

constexpr std::uint32_t reg(unsigned number) { return NFT_REG32_00 + number; }
constexpr unsigned kNameRegisters = IFNAMSIZ / 4;

// libnftnl says "out of memory" with a null pointer; it is answered as operator new answers it.
nftnl_expr* make_expression(const char* name) {
    auto* expression = nftnl_expr_alloc(name);
    if (expression == nullptr) throw std::bad_alloc();
    return expression;
}

}  // namespace

NftRule::NftRule(const std::string& table, const std::string& chain, const std::string& comment)
    : rule_(nftnl_rule_alloc()) {
    if (!rule_) throw std::bad_alloc();
    nftnl_rule_set_str(rule_.get(), NFTNL_RULE_TABLE, table.c_str());
    nftnl_rule_set_str(rule_.get(), NFTNL_RULE_CHAIN, chain.c_str());
    nftnl_rule_set_u32(rule_.get(), NFTNL_RULE_FAMILY, NFPROTO_INET);
    if (comment.empty()) return;
    auto* data = nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN);
    if (data == nullptr) throw std::bad_alloc();
    nftnl_udata_put_strz(data, NFTNL_UDATA_RULE_COMMENT, comment.c_str());
    nftnl_rule_set_data(rule_.get(), NFTNL_RULE_USERDATA, nftnl_udata_buf_data(data), nftnl_udata_buf_len(data));
    nftnl_udata_buf_free(data);
}

NftRule& NftRule::add(nftnl_expr* expression) {
    nftnl_rule_add_expr(rule_.get(), expression);
    return *this;
}

NftRule& NftRule::load_meta(std::uint32_t key, unsigned number) {
    auto* expression = make_expression("meta");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_META_KEY, key);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_META_DREG, reg(number));
    return add(expression);
}

NftRule& NftRule::load_payload(std::uint32_t base, std::uint32_t offset, std::uint32_t size, unsigned number) {
    auto* expression = make_expression("payload");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_BASE, base);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_LEN, size);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_DREG, reg(number));
    return add(expression);
}

NftRule& NftRule::load_conntrack(std::uint32_t key, unsigned number) {
    auto* expression = make_expression("ct");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_CT_KEY, key);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_CT_DREG, reg(number));
    return add(expression);
}

NftRule& NftRule::load_fib_type(std::uint32_t flags, unsigned number) {
    auto* expression = make_expression("fib");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_FIB_FLAGS, flags);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_FIB_DREG, reg(number));
    return add(expression);
}

NftRule& NftRule::mask(unsigned number, std::uint32_t mask) {
    const std::uint32_t zero = 0;
    auto* expression = make_expression("bitwise");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_BITWISE_SREG, reg(number));
    nftnl_expr_set_u32(expression, NFTNL_EXPR_BITWISE_DREG, reg(number));
    nftnl_expr_set_u32(expression, NFTNL_EXPR_BITWISE_OP, NFT_BITWISE_BOOL);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_BITWISE_LEN, sizeof mask);
    nftnl_expr_set(expression, NFTNL_EXPR_BITWISE_MASK, &mask, sizeof mask);
    nftnl_expr_set(expression, NFTNL_EXPR_BITWISE_XOR, &zero, sizeof zero);
    return add(expression);
}

NftRule& NftRule::compare(unsigned number, std::uint32_t operation, const void* data, std::uint32_t size) {
    auto* expression = make_expression("cmp");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_CMP_SREG, reg(number));
    nftnl_expr_set_u32(expression, NFTNL_EXPR_CMP_OP, operation);
    nftnl_expr_set(expression, NFTNL_EXPR_CMP_DATA, data, size);
    return add(expression);
}

NftRule& NftRule::lookup(unsigned number, const char* set, Match match) {
    auto* expression = make_expression("lookup");
    nftnl_expr_set_str(expression, NFTNL_EXPR_LOOKUP_SET, set);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_LOOKUP_SREG, reg(number));
    if (match == Match::not_in) nftnl_expr_set_u32(expression, NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
    return add(expression);
}

NftRule& NftRule::version(IpVersion version) {
    const std::uint8_t family = protocol_family(version);
    return load_meta(NFT_META_NFPROTO, 0).compare(0, NFT_CMP_EQ, &family, sizeof family);
}

NftRule& NftRule::input(const char* set, Match match) { return load_meta(NFT_META_IIFNAME, 0).lookup(0, set, match); }

NftRule& NftRule::output(const char* set, Match match) { return load_meta(NFT_META_OIFNAME, 0).lookup(0, set, match); }

NftRule& NftRule::input_and_output(const char* set) {
    return load_meta(NFT_META_IIFNAME, 0).load_meta(NFT_META_OIFNAME, kNameRegisters).lookup(0, set, Match::in);
}

NftRule& NftRule::input_index(std::uint32_t index, Compare how) {
    return load_meta(NFT_META_IIF, 0)
        .compare(0, how == Compare::equal ? NFT_CMP_EQ : NFT_CMP_NEQ, &index, sizeof index);
}

NftRule& NftRule::destination_is_local() {
    const std::uint32_t local = RTN_LOCAL;
    return load_fib_type(NFTA_FIB_F_DADDR, 0).compare(0, NFT_CMP_EQ, &local, sizeof local);
}

NftRule& NftRule::source_is_local() {
    const std::uint32_t local = RTN_LOCAL;
    return load_fib_type(NFTA_FIB_F_SADDR, 0).compare(0, NFT_CMP_EQ, &local, sizeof local);
}

NftRule& NftRule::source(IpVersion ip, const char* set) {
    const auto field = source_field(ip);
    return version(ip).load_payload(NFT_PAYLOAD_NETWORK_HEADER, field.offset, field.size, 0).lookup(0, set, Match::in);
}

NftRule& NftRule::destination_and_port(IpVersion ip, const char* set) {
    const auto field = destination_field(ip);
    const unsigned protocol = field.size / 4;  // the register after the address
    return version(ip)
        .load_payload(NFT_PAYLOAD_NETWORK_HEADER, field.offset, field.size, 0)
        .load_meta(NFT_META_L4PROTO, protocol)
        .load_payload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, protocol + 1)
        .lookup(0, set, Match::in);
}

NftRule& NftRule::protocol(std::uint8_t number) {
    return load_meta(NFT_META_L4PROTO, 0).compare(0, NFT_CMP_EQ, &number, sizeof number);
}

NftRule& NftRule::loopback_source() {
    const std::uint8_t first = 127;
    const auto field = source_field(IpVersion::v4);
    return version(IpVersion::v4)
        .load_payload(NFT_PAYLOAD_NETWORK_HEADER, field.offset, 1, 0)
        .compare(0, NFT_CMP_EQ, &first, sizeof first);
}

NftRule& NftRule::loopback_destination() {
    const std::uint8_t first = 127;
    const auto field = destination_field(IpVersion::v4);
    return version(IpVersion::v4)
        .load_payload(NFT_PAYLOAD_NETWORK_HEADER, field.offset, 1, 0)
        .compare(0, NFT_CMP_EQ, &first, sizeof first);
}

NftRule& NftRule::loopback_destination6() {
    const auto field = destination_field(IpVersion::v6);
    return version(IpVersion::v6)
        .load_payload(NFT_PAYLOAD_NETWORK_HEADER, field.offset, field.size, 0)
        .compare(0, NFT_CMP_EQ, &in6addr_loopback, sizeof in6addr_loopback);
}

NftRule& NftRule::source4(std::uint32_t address) {
    const auto field = source_field(IpVersion::v4);
    return version(IpVersion::v4)
        .load_payload(NFT_PAYLOAD_NETWORK_HEADER, field.offset, field.size, 0)
        .compare(0, NFT_CMP_EQ, &address, sizeof address);
}

NftRule& NftRule::destination4(std::uint32_t address) {
    const auto field = destination_field(IpVersion::v4);
    return version(IpVersion::v4)
        .load_payload(NFT_PAYLOAD_NETWORK_HEADER, field.offset, field.size, 0)
        .compare(0, NFT_CMP_EQ, &address, sizeof address);
}

NftRule& NftRule::match_port(std::uint8_t protocol, std::uint32_t offset, std::uint16_t port) {
    const std::uint16_t wire = htons(port);
    return load_meta(NFT_META_L4PROTO, 0)
        .compare(0, NFT_CMP_EQ, &protocol, sizeof protocol)
        .load_payload(NFT_PAYLOAD_TRANSPORT_HEADER, offset, sizeof wire, 0)
        .compare(0, NFT_CMP_EQ, &wire, sizeof wire);
}

NftRule& NftRule::source_port(std::uint8_t protocol, std::uint16_t port) { return match_port(protocol, 0, port); }

NftRule& NftRule::destination_port(std::uint8_t protocol, std::uint16_t port) { return match_port(protocol, 2, port); }

NftRule& NftRule::write_port(std::uint8_t protocol, std::uint32_t offset, std::uint16_t port) {
    const std::uint16_t wire = htons(port);
    auto* value = make_expression("immediate");
    nftnl_expr_set_u32(value, NFTNL_EXPR_IMM_DREG, reg(0));
    nftnl_expr_set(value, NFTNL_EXPR_IMM_DATA, &wire, sizeof wire);
    add(value);
    auto* expression = make_expression("payload");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_SREG, reg(0));
    nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_BASE, NFT_PAYLOAD_TRANSPORT_HEADER);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_LEN, sizeof wire);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_CSUM_TYPE, NFT_PAYLOAD_CSUM_INET);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_CSUM_OFFSET,
                       protocol == IPPROTO_UDP ? offsetof(udphdr, check) : offsetof(tcphdr, check));
    return add(expression);
}

NftRule& NftRule::set_source_port(std::uint8_t protocol, std::uint16_t port) { return write_port(protocol, 0, port); }

NftRule& NftRule::set_destination_port(std::uint8_t protocol, std::uint16_t port) {
    return write_port(protocol, 2, port);
}

NftRule& NftRule::state(std::uint32_t bits) {
    const std::uint32_t none = 0;
    return load_conntrack(NFT_CT_STATE, 0).mask(0, bits).compare(0, NFT_CMP_NEQ, &none, sizeof none);
}

NftRule& NftRule::translated_destination() {
    const std::uint32_t none = 0;
    return load_conntrack(NFT_CT_STATUS, 0).mask(0, IPS_DST_NAT).compare(0, NFT_CMP_NEQ, &none, sizeof none);
}

NftRule& NftRule::verdict(std::uint32_t verdict) {
    auto* expression = make_expression("immediate");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_IMM_VERDICT, verdict);
    return add(expression);
}

NftRule& NftRule::jump(const char* chain) {
    auto* expression = make_expression("immediate");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_IMM_VERDICT, static_cast<std::uint32_t>(NFT_JUMP));
    nftnl_expr_set_str(expression, NFTNL_EXPR_IMM_CHAIN, chain);
    return add(expression);
}

NftRule& NftRule::masquerade() { return add(make_expression("masq")); }

NftRule& NftRule::translate(IpVersion ip, Key key, const char* map) {
    const auto field = destination_field(ip);
    const unsigned address_registers = field.size / 4;
    unsigned number = 0;
    version(ip);
    if (key == Key::address_and_port) {
        load_payload(NFT_PAYLOAD_NETWORK_HEADER, field.offset, field.size, 0);
        number = address_registers;
    }
    // The destination port is at offset 2 in TCP, UDP and SCTP alike.
    load_meta(NFT_META_L4PROTO, number).load_payload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, number + 1);
    auto* find = make_expression("lookup");
    nftnl_expr_set_str(find, NFTNL_EXPR_LOOKUP_SET, map);
    nftnl_expr_set_u32(find, NFTNL_EXPR_LOOKUP_SREG, reg(0));
    nftnl_expr_set_u32(find, NFTNL_EXPR_LOOKUP_DREG, reg(0));
    add(find);
    auto* nat = make_expression("nat");
    nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_TYPE, NFT_NAT_DNAT);
    nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_FAMILY, protocol_family(ip));
    nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_REG_ADDR_MIN, reg(0));
    nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_REG_PROTO_MIN, reg(address_registers));
    nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_FLAGS, NF_NAT_RANGE_MAP_IPS | NF_NAT_RANGE_PROTO_SPECIFIED);
    return add(nat);
}

}  // namespace diatom::net
