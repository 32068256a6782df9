#include "uplink/dhcpcd.h"

#include <algorithm>
#include <array>
#include <format>

#include "base/strings.h"

namespace diatom::uplink {
namespace {

// Of the image's, what we say ourselves.
constexpr std::array<std::string_view, 4> kOwn{"denyinterfaces", "allowinterfaces", "noipv4ll", "noarp"};

std::string common(std::string_view image) {
    std::string text;
    for (const auto line : split(image, '\n')) {
        const auto words = split_words(line);
        if (words.empty() || words[0].starts_with('#') || std::ranges::contains(kOwn, words[0])) continue;
        text += std::string(line) + "\n";
    }
    return text;
}

std::string block(const WantedLink& link) {
    const auto& asks = link.asks;
    std::string text = std::format("interface {}\n", link.name);
    const auto say = [&](bool so, std::string_view option) {
        if (so) text += std::format("{}\n", option);
    };
    say(!asks.four(), "noipv4");
    say(asks.four() && !asks.dhcp4, "nodhcp");
    say(!asks.link_local, "noipv4ll");
    say(asks.four() && !asks.link_local, "noarp");  // without ARP there is no RFC 3927, whatever else is said
    say(!asks.six(), "noipv6");
    say(asks.six() && !asks.router, "noipv6rs");
    say(asks.six() && asks.dhcp6 == Asks::Six::never, "nodhcp6");
    say(asks.dhcp6 == Asks::Six::always, "ia_na");
    say(link.mtu.has_value(), "nooption interface_mtu");
    return text;
}

}  // namespace

std::string dhcpcd_configuration(const Wanted& wanted, std::string_view image) {
    if (wanted.any_will_do) return std::string(image);
    std::string names, blocks;
    for (const auto& link : wanted.links) {
        if (!link.asks.anything()) continue;
        names += " " + link.name;
        blocks += block(link);
    }
    return names.empty() ? std::string() : std::format("{}allowinterfaces{}\n{}", common(image), names, blocks);
}

}  // namespace diatom::uplink
