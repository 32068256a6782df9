// For the tests of this folder: documents and links as short texts. Thread side: one.
#pragma once

#include <string>
#include <vector>

#include "document/yaml_reader.h"
#include "uplink/plan.h"

namespace diatom::uplink::testing {

inline Value network(const std::string& yaml) {
    auto documents = read_yaml(yaml, "test");
    return documents && !documents->empty() ? documents->front() : Value::map();
}

inline net::Address ip(const char* text) { return *net::Address::parse(text); }

inline Present card(int index, const std::string& name, const char* mac = "52:54:00:00:00:01") {
    Present link;
    link.index = index;
    link.name = name;
    link.driver = "virtio_net";
    link.mac = link.own_mac = *net::parse_mac(mac);
    link.mtu = 1500;
    link.hardware = link.up = link.carrier = true;
    return link;
}

inline Present veth(int index, const std::string& name) {
    auto link = card(index, name);
    link.kind = "veth";
    link.driver.clear();
    link.hardware = false;
    return link;
}

// "eth0 dhcp4 router", one a link.
inline std::string asks_of(const WantedLink& link) {
    std::string text = link.name;
    if (link.asks.dhcp4) text += " dhcp4";
    if (link.asks.link_local) text += " link_local";
    if (link.asks.router) text += " router";
    if (link.asks.dhcp6 == Asks::Six::as_told) text += " (dhcp6)";
    if (link.asks.dhcp6 == Asks::Six::always) text += " dhcp6";
    return text;
}

}  // namespace diatom::uplink::testing
