#include "net/nft_read.h"

#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <memory>
#include <new>

namespace diatom::net {
namespace {

struct Free {
    void operator()(nftnl_set* it) const noexcept { nftnl_set_free(it); }
};

std::string bytes_of(nftnl_set_elem* element, std::uint16_t attribute) {
    std::uint32_t size = 0;
    const auto* bytes = static_cast<const char*>(nftnl_set_elem_get(element, attribute, &size));
    return bytes == nullptr ? std::string() : std::string(bytes, size);
}

// libnftnl's callback: one element.
int collect(nftnl_set_elem* element, void* data) {
    auto& elements = *static_cast<std::vector<NftElement>*>(data);
    const bool flagged = nftnl_set_elem_is_set(element, NFTNL_SET_ELEM_FLAGS);
    const auto flags = flagged ? nftnl_set_elem_get_u32(element, NFTNL_SET_ELEM_FLAGS) : 0U;
    elements.push_back({.key = bytes_of(element, NFTNL_SET_ELEM_KEY),
                        .value = bytes_of(element, NFTNL_SET_ELEM_DATA),
                        .end = (flags & NFT_SET_ELEM_INTERVAL_END) != 0});
    return 0;
}

}  // namespace

Result<std::vector<NftElement>> read_elements(NetlinkSocket& socket, const std::string& table, const char* set) {
    nfgenmsg header{};
    header.nfgen_family = NFPROTO_INET;
    header.version = NFNETLINK_V0;
    Request request(NFNL_SUBSYS_NFTABLES << 8U | NFT_MSG_GETSETELEM, NLM_F_DUMP);
    request.header(header).put_text(NFTA_SET_ELEM_LIST_TABLE, table).put_text(NFTA_SET_ELEM_LIST_SET, set);
    std::vector<NftElement> elements;
    const auto read = [&](const nlmsghdr& message) {
        // One message of a dump is a set with some of its elements.
        const std::unique_ptr<nftnl_set, Free> piece(nftnl_set_alloc());
        if (!piece) throw std::bad_alloc();
        if (nftnl_set_elems_nlmsg_parse(&message, piece.get()) < 0) return;
        nftnl_set_elem_foreach(piece.get(), collect, &elements);
    };
    TRY(socket.query(request, read), "list set {} of table inet {}", set, table);
    return elements;
}

}  // namespace diatom::net
