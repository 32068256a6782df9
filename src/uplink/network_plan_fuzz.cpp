// Any document as the key `network`: what is valid is planned, and told to dhcpcd and to resolv.conf(5).
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "document/json_reader.h"
#include "machine/check.h"
#include "uplink/changes.h"
#include "uplink/dhcpcd.h"
#include "uplink/names.h"
#include "uplink/report.h"
#include "uplink/testing/network.h"

namespace {

using namespace diatom;

void check(const uplink::Wanted& wanted, const std::vector<uplink::Present>& present) {
    for (std::size_t i = 0; i < wanted.links.size(); ++i) {
        const auto& link = wanted.links[i];
        const auto* first = wanted.find(link.name);
        if (first != &link || link.name.empty() || link.name.size() > 15 || link.master == link.name) std::abort();
        const auto stands_before = [&](const std::string& name) {
            return std::any_of(wanted.links.begin(), wanted.links.begin() + static_cast<std::ptrdiff_t>(i),
                               [&](const auto& other) { return other.name == name; });
        };
        if (link.vlan && !stands_before(link.vlan->link)) std::abort();
        if (!link.master.empty() && !stands_before(link.master)) std::abort();
    }
    for (const auto& [name, text] : uplink::name_records(wanted)) {
        if (name.contains('/') || text.contains('\0')) std::abort();
    }
    std::ignore = uplink::dhcpcd_configuration(wanted, "duid\ndenyinterfaces x\n");
    std::ignore = uplink::show(wanted);
    std::ignore =
        uplink::status(wanted, {.links = present, .addresses = {}, .routes = {}, .rules = {}, .resolv_conf = {}});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto document = read_json({reinterpret_cast<const char*>(data), size}, "network");
    if (!document) return 0;
    auto machine = Value::map();
    machine.set("network", *std::move(document));
    std::ignore = machine::keep_valid(machine);
    using uplink::testing::card;
    const std::vector present{card(2, "eth0"), card(3, "eth1", "52:54:00:00:00:0b"), uplink::testing::veth(4, "veth7")};
    check(uplink::plan(machine.at("network"), present), present);
    return 0;
}
