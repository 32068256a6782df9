// Hetzner Cloud: metadata in YAML, user-data beside it.
// Source: docs.hetzner.cloud, "Server Metadata".
#include "base/strings.h"
#include "platform/decode.h"
#include "platform/read.h"
#include "platform/sources.h"

namespace diatom::platform {
namespace {

constexpr std::string_view kMetadata = "/hetzner/v1/metadata";
constexpr std::string_view kUserData = "/hetzner/v1/userdata";

}  // namespace

Result<Instance> decode_hetzner(const std::string& text, const std::string& from) {
    auto tree = TRY(read_metadata(text, from));
    if (text_at(tree, "instance-id").empty()) return fail(Kind::corrupt, "{}: it tells of no server", from);
    Instance instance;
    if (auto bytes = text_at(tree, "vendor_data"); !bytes.empty())
        instance.vendor_data.push_back({.bytes = std::move(bytes), .from = from + " vendor_data"});
    tree.erase("vendor_data");
    const Json& network = json_member(tree, "network-config");
    if (network.is_object())
        instance.network_config = Document{.bytes = dump_json(network), .from = from + " network-config"};
    apply_metadata(instance, std::move(tree), from);
    return instance;
}

Task<Instance> read_hetzner(Access& access, Candidate) {
    auto servers = CO_TRY(servers_of(access.endpoints.hetzner));
    for (auto& server : servers) server = at(server, kMetadata);
    auto asked = co_await access.fetcher.ask(std::move(servers), Request{});
    const auto answer = CO_TRY(std::move(asked));
    if (answer.status != 200) co_return refused(answer.status, shown(answer.asked));
    auto instance = CO_TRY(decode_hetzner(answer.body, shown(answer.asked)));
    const auto url = at(answer.asked, kUserData);
    auto found = co_await access.fetcher.find(url, Request{});
    // The console takes bytes, some tools give it base64.
    if (auto bytes = CO_TRY(std::move(found)))
        instance.user_data = Document{.bytes = maybe_base64(std::move(*bytes)), .from = shown(url)};
    co_return std::move(instance);
}

}  // namespace diatom::platform
