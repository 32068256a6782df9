// What bridges and published ports are in the nftables table. Thread side: any.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "net/network.h"
#include "net/nft_batch.h"

namespace diatom::net {

// Elements by the name of their set.
using Elements = std::map<std::string, std::vector<NftElement>>;

Elements elements_of(const BridgeSpec& bridge);

// A mapping on every address becomes an element for each IP version of which the container has an address, one on a
// single address needs a target of the same version: invalid otherwise.
// `routed`: the targets whose own ports are opened instead.
Result<Elements> elements_of(const std::vector<PortMapping>& mappings, const std::vector<Address>& targets,
                             const std::vector<Address>& routed = {});

void add_elements(NftBatch& batch, const Elements& elements);
void delete_elements(NftBatch& batch, const Elements& elements);
void merge_into(Elements& all, const Elements& more);

// What `left` has and `right` lacks.
Elements difference(const Elements& left, const Elements& right);

}  // namespace diatom::net
