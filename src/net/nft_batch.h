// A change of one nftables table: built, then applied by the kernel as one transaction or not at all. Thread side: any,
// each object by one thread. Adding what exists is no error, as long as it is the same.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "net/netlink.h"
#include "net/nft_rule.h"

namespace diatom::net {

// The types that nft(8) shows for set keys; numbers are part of nft's (and our) ABI in the kernel's set description.
enum class NftType : std::uint8_t { ipv4_addr = 7, ipv6_addr = 8, inet_proto = 12, inet_service = 13, ifname = 41 };

struct NftSet {
    const char* name;
    const char* comment;
    std::vector<NftType> key;    // more than one: a concatenation, each part padded to four bytes
    std::vector<NftType> value;  // not empty: a map
    enum class Lookup : std::uint8_t { exact, interval } lookup = Lookup::exact;
};

// One element. `end` marks the first key after an interval.
struct NftElement {
    std::string key, value;
    bool end = false;
    friend bool operator==(const NftElement&, const NftElement&) = default;
};

struct NftChain {
    const char* name;
    const char* comment;
    const char* type = nullptr;  // "filter", "nat"; null: only jumped to
    std::uint32_t hook = 0;      // NF_INET_*
    std::int32_t priority = 0;
};

class NftBatch {
public:
    NftBatch(NetlinkSocket& socket, std::string table);

    void add_table(const std::string& comment);
    void delete_table();
    void add_set(const NftSet& set);
    void flush_set(const char* name);
    void add_chain(const NftChain& chain);
    void flush_chain(const char* name);
    void add_rule(const NftRule& rule);
    void add_elements(const char* set, std::span<const NftElement> elements);
    void delete_elements(const char* set, std::span<const NftElement> elements);

    Result<void> commit();

private:
    nlmsghdr* begin(std::uint16_t type, std::uint16_t flags);
    void finish(const nlmsghdr* message);
    void frame(std::uint16_t type);
    void put_elements(std::uint16_t type, std::uint16_t flags, const char* set, std::span<const NftElement> elements);

    NetlinkSocket& socket_;
    std::string table_;
    std::vector<char> scratch_, bytes_;
    std::size_t last_ = 0;  // offset of the last message that is not the batch's end
    std::size_t messages_ = 0;
};

}  // namespace diatom::net
