// DigitalOcean: one document. Older Droplets have no DHCP: the network of its document is their only one, and to ask
// for it they need an address of 169.254.0.0/16, which is the caller's network's to make.
// Source: docs.digitalocean.com/reference/api/metadata, /products/droplets/how-to/access-metadata.
#include <arpa/inet.h>

#include <bit>

#include "base/strings.h"
#include "platform/decode.h"
#include "platform/read.h"
#include "platform/sources.h"

namespace diatom::platform {
namespace {

struct Interface {
    const Json& about;
    bool is_public;
};

// "255.255.240.0" to 20.
std::optional<std::uint64_t> prefix_length(const std::string& mask) {
    in_addr address{};
    if (::inet_pton(AF_INET, mask.c_str(), &address) != 1) return std::nullopt;
    const auto bits = ntohl(address.s_addr);
    const auto length = std::countl_one(bits);
    if (length != std::popcount(bits)) return std::nullopt;
    return static_cast<std::uint64_t>(length);
}

// {"ip_address","netmask","gateway"} or {"ip_address","cidr","gateway"}
void add_address(Json& to, const Json& of, bool with_route) {
    const auto address = text_at(of, "ip_address"), gateway = text_at(of, "gateway");
    const auto length =
        text_at(of, "cidr").empty() ? prefix_length(text_at(of, "netmask")) : parse_uint(text_at(of, "cidr"));
    if (address.empty() || !length) return;
    to["addresses"].push_back(std::format("{}/{}", address, *length));
    if (with_route && !gateway.empty())
        to["routes"].push_back({{"to", address.contains(':') ? "::/0" : "0.0.0.0/0"}, {"via", gateway}});
}

Json interface(const Interface& card, const Json& servers) {
    Json made{{"match", {{"macaddress", text_at(card.about, "mac")}}}};
    for (const auto key : {"ipv4", "ipv6"}) add_address(made, json_member(card.about, key), card.is_public);
    for (const auto key : {"anchor_ipv4", "anchor_ipv6"}) add_address(made, json_member(card.about, key), false);
    if (card.is_public && servers.is_array() && !servers.empty()) made["nameservers"] = {{"addresses", servers}};
    return made;
}

// The platform's own form in cloud-init's version 2.
std::optional<Document> network(const Json& tree, const std::string& from) {
    const Json& servers = json_member(json_member(tree, "dns"), "nameservers");
    Json cards = Json::object();
    for (const auto* kind : {"public", "private"}) {
        const Json& listed = json_member(json_member(tree, "interfaces"), kind);
        if (!listed.is_array()) continue;
        int number = 0;
        for (const auto& about : listed) {
            if (text_at(about, "mac").empty()) continue;
            cards[std::format("{}{}", kind, number++)] =
                interface({.about = about, .is_public = std::string_view(kind) == "public"}, servers);
        }
    }
    if (cards.empty()) return std::nullopt;
    return Document{.bytes = dump_json({{"version", 2}, {"ethernets", std::move(cards)}}), .from = from};
}

}  // namespace

Result<Instance> decode_digitalocean(const std::string& text, const std::string& from) {
    auto tree = TRY(read_json(text, from));
    if (text_at(tree, "droplet_id").empty()) return fail(Kind::corrupt, "{}: it tells of no Droplet", from);
    Instance instance;
    set(instance, &Instance::instance_id, "instance_id", text_at(tree, "droplet_id"), from);
    set(instance, &Instance::hostname, "hostname", text_at(tree, "hostname"), from);
    set(instance, &Instance::region, "region", text_at(tree, "region"), from);
    set_keys(instance, public_keys(json_member(tree, "public_keys")), from);
    if (auto bytes = text_at(tree, "user_data"); !bytes.empty())
        instance.user_data = Document{.bytes = std::move(bytes), .from = from + " user_data"};
    if (auto bytes = text_at(tree, "vendor_data"); !bytes.empty())
        instance.vendor_data.push_back({.bytes = std::move(bytes), .from = from + " vendor_data"});
    instance.network_config = network(tree, from + " interfaces");
    for (const auto key : {"user_data", "vendor_data", "auth_key"}) tree.erase(key);
    instance.metadata = std::move(tree);
    instance.origins["metadata"] = from;
    return instance;
}

Task<Instance> read_digitalocean(Access& access, Candidate) {
    auto servers = CO_TRY(servers_of(access.endpoints.digitalocean));
    for (auto& server : servers) server = at(server, "/metadata/v1.json");
    auto asked = co_await access.fetcher.ask(std::move(servers), Request{});
    const auto answer = CO_TRY(std::move(asked));
    if (answer.status != 200) co_return refused(answer.status, shown(answer.asked));
    co_return decode_digitalocean(answer.body, shown(answer.asked));
}

}  // namespace diatom::platform
