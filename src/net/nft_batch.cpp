#include "net/nft_batch.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>

#include <memory>
#include <new>

namespace diatom::net {
namespace {

// Elements of one message: at 100 bytes each, far from the 64 KiB that an attribute can hold.
constexpr std::size_t kElementsPerMessage = 256;
constexpr std::size_t kScratchBytes = 64U << 10U;

struct Free {
    void operator()(nftnl_table* it) const noexcept { nftnl_table_free(it); }
    void operator()(nftnl_chain* it) const noexcept { nftnl_chain_free(it); }
    void operator()(nftnl_set* it) const noexcept { nftnl_set_free(it); }
    void operator()(nftnl_udata_buf* it) const noexcept { nftnl_udata_buf_free(it); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

template <class T>
Owned<T> own(T* object) {
    if (object == nullptr) throw std::bad_alloc();
    return Owned<T>(object);
}

Owned<nftnl_udata_buf> comment_data(std::uint8_t type, const std::string& comment) {
    auto data = own(nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN));
    nftnl_udata_put_strz(data.get(), type, comment.substr(0, NFTNL_UDATA_COMMENT_MAXLEN - 1).c_str());
    return data;
}

std::uint32_t size_of(NftType type) {
    switch (type) {
        case NftType::ipv4_addr: return 4;
        case NftType::ipv6_addr: return 16;
        case NftType::inet_proto: return 1;
        case NftType::inet_service: return 2;
        case NftType::ifname: return 16;
    }
    return 0;
}

struct Shape {
    std::uint32_t type = 0, size = 0;
};

// nft numbers a concatenation by six bits a part.
Shape shape_of(const std::vector<NftType>& parts) {
    Shape shape;
    for (const auto part : parts) {
        shape.type = shape.type << 6U | static_cast<std::uint32_t>(part);
        shape.size += parts.size() == 1 ? size_of(part) : (size_of(part) + 3U) & ~3U;
    }
    return shape;
}

}  // namespace

NftBatch::NftBatch(NetlinkSocket& socket, std::string table)
    : socket_(socket), table_(std::move(table)), scratch_(kScratchBytes) {
    frame(NFNL_MSG_BATCH_BEGIN);
}

void NftBatch::frame(std::uint16_t type) {
    nlmsghdr* message = mnl_nlmsg_put_header(scratch_.data());
    message->nlmsg_type = type;
    message->nlmsg_flags = NLM_F_REQUEST;
    message->nlmsg_seq = socket_.next_sequence();
    auto* header = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(nfgenmsg)));
    header->nfgen_family = AF_UNSPEC;
    header->version = NFNETLINK_V0;
    header->res_id = htons(NFNL_SUBSYS_NFTABLES);
    bytes_.insert(bytes_.end(), scratch_.data(), scratch_.data() + message->nlmsg_len);
    ++messages_;
}

nlmsghdr* NftBatch::begin(std::uint16_t type, std::uint16_t flags) {
    return nftnl_nlmsg_build_hdr(scratch_.data(), type, NFPROTO_INET, flags, socket_.next_sequence());
}

void NftBatch::finish(const nlmsghdr* message) {
    last_ = bytes_.size();
    bytes_.insert(bytes_.end(), scratch_.data(), scratch_.data() + message->nlmsg_len);
    ++messages_;
}

void NftBatch::add_table(const std::string& comment) {
    auto table = own(nftnl_table_alloc());
    nftnl_table_set_str(table.get(), NFTNL_TABLE_NAME, table_.c_str());
    const auto data = comment_data(NFTNL_UDATA_TABLE_COMMENT, comment);
    nftnl_table_set_data(table.get(), NFTNL_TABLE_USERDATA, nftnl_udata_buf_data(data.get()),
                         nftnl_udata_buf_len(data.get()));
    auto* message = begin(NFT_MSG_NEWTABLE, NLM_F_CREATE);
    nftnl_table_nlmsg_build_payload(message, table.get());
    finish(message);
}

void NftBatch::delete_table() {
    auto table = own(nftnl_table_alloc());
    nftnl_table_set_str(table.get(), NFTNL_TABLE_NAME, table_.c_str());
    auto* message = begin(NFT_MSG_DELTABLE, 0);
    nftnl_table_nlmsg_build_payload(message, table.get());
    finish(message);
}

void NftBatch::add_set(const NftSet& description) {
    auto set = own(nftnl_set_alloc());
    nftnl_set_set_str(set.get(), NFTNL_SET_TABLE, table_.c_str());
    nftnl_set_set_str(set.get(), NFTNL_SET_NAME, description.name);
    nftnl_set_set_u32(set.get(), NFTNL_SET_FAMILY, NFPROTO_INET);
    nftnl_set_set_u32(set.get(), NFTNL_SET_ID, static_cast<std::uint32_t>(messages_));
    const Shape key = shape_of(description.key);
    nftnl_set_set_u32(set.get(), NFTNL_SET_KEY_TYPE, key.type);
    nftnl_set_set_u32(set.get(), NFTNL_SET_KEY_LEN, key.size);
    std::uint32_t flags = description.lookup == NftSet::Lookup::interval ? NFT_SET_INTERVAL : 0;
    if (!description.value.empty()) {
        const Shape value = shape_of(description.value);
        nftnl_set_set_u32(set.get(), NFTNL_SET_DATA_TYPE, value.type);
        nftnl_set_set_u32(set.get(), NFTNL_SET_DATA_LEN, value.size);
        flags |= NFT_SET_MAP;
    }
    nftnl_set_set_u32(set.get(), NFTNL_SET_FLAGS, flags);
    const auto data = comment_data(NFTNL_UDATA_SET_COMMENT, description.comment);
    nftnl_set_set_data(set.get(), NFTNL_SET_USERDATA, nftnl_udata_buf_data(data.get()),
                       nftnl_udata_buf_len(data.get()));
    auto* message = begin(NFT_MSG_NEWSET, NLM_F_CREATE);
    nftnl_set_nlmsg_build_payload(message, set.get());
    finish(message);
}

void NftBatch::flush_set(const char* name) {
    auto set = own(nftnl_set_alloc());
    nftnl_set_set_str(set.get(), NFTNL_SET_TABLE, table_.c_str());
    nftnl_set_set_str(set.get(), NFTNL_SET_NAME, name);
    auto* message = begin(NFT_MSG_DELSETELEM, 0);
    nftnl_set_nlmsg_build_payload(message, set.get());
    finish(message);
}

void NftBatch::add_chain(const NftChain& description) {
    auto chain = own(nftnl_chain_alloc());
    nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_TABLE, table_.c_str());
    nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_NAME, description.name);
    if (description.type != nullptr) {
        nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_TYPE, description.type);
        nftnl_chain_set_u32(chain.get(), NFTNL_CHAIN_HOOKNUM, description.hook);
        nftnl_chain_set_s32(chain.get(), NFTNL_CHAIN_PRIO, description.priority);
        nftnl_chain_set_u32(chain.get(), NFTNL_CHAIN_POLICY, NF_ACCEPT);
    }
    const auto data = comment_data(NFTNL_UDATA_CHAIN_COMMENT, description.comment);
    nftnl_chain_set_data(chain.get(), NFTNL_CHAIN_USERDATA, nftnl_udata_buf_data(data.get()),
                         nftnl_udata_buf_len(data.get()));
    auto* message = begin(NFT_MSG_NEWCHAIN, NLM_F_CREATE);
    nftnl_chain_nlmsg_build_payload(message, chain.get());
    finish(message);
}

void NftBatch::flush_chain(const char* name) {
    const NftRule all(table_, name, "");
    auto* message = begin(NFT_MSG_DELRULE, 0);
    nftnl_rule_nlmsg_build_payload(message, all.get());
    finish(message);
}

void NftBatch::add_rule(const NftRule& rule) {
    auto* message = begin(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
    nftnl_rule_nlmsg_build_payload(message, rule.get());
    finish(message);
}

void NftBatch::put_elements(std::uint16_t type, std::uint16_t flags, const char* name,
                            std::span<const NftElement> elements) {
    while (!elements.empty()) {
        const auto some = elements.first(std::min(elements.size(), kElementsPerMessage));
        elements = elements.subspan(some.size());
        auto set = own(nftnl_set_alloc());
        nftnl_set_set_str(set.get(), NFTNL_SET_TABLE, table_.c_str());
        nftnl_set_set_str(set.get(), NFTNL_SET_NAME, name);
        for (const auto& element : some) {
            auto* entry = nftnl_set_elem_alloc();
            if (entry == nullptr) throw std::bad_alloc();
            nftnl_set_elem_add(set.get(), entry);
            nftnl_set_elem_set(entry, NFTNL_SET_ELEM_KEY, element.key.data(),
                               static_cast<std::uint32_t>(element.key.size()));
            if (!element.value.empty() && type == NFT_MSG_NEWSETELEM) {
                nftnl_set_elem_set(entry, NFTNL_SET_ELEM_DATA, element.value.data(),
                                   static_cast<std::uint32_t>(element.value.size()));
            }
            if (element.end) nftnl_set_elem_set_u32(entry, NFTNL_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
        }
        auto* message = begin(type, flags);
        nftnl_set_elems_nlmsg_build_payload(message, set.get());
        finish(message);
    }
}

void NftBatch::add_elements(const char* set, std::span<const NftElement> elements) {
    put_elements(NFT_MSG_NEWSETELEM, NLM_F_CREATE, set, elements);
}

void NftBatch::delete_elements(const char* set, std::span<const NftElement> elements) {
    put_elements(NFT_MSG_DELSETELEM, 0, set, elements);
}

Result<void> NftBatch::commit() {
    if (last_ == 0) return {};
    auto* last = reinterpret_cast<nlmsghdr*>(bytes_.data() + last_);
    last->nlmsg_flags |= NLM_F_ACK;
    const auto sequence = last->nlmsg_seq;
    frame(NFNL_MSG_BATCH_END);
    TRY(socket_.call_batch({bytes_.data(), bytes_.size()}, sequence, messages_), "change the nftables table inet {}",
        table_);
    return {};
}

}  // namespace diatom::net
