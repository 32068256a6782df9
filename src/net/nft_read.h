// What a set of an nftables table holds now. Thread side: one thread at a time per socket; one dump.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "net/netlink.h"
#include "net/nft_batch.h"

namespace diatom::net {

// not_found: there is no such set or table.
Result<std::vector<NftElement>> read_elements(NetlinkSocket& socket, const std::string& table, const char* set);

}  // namespace diatom::net
