#include "api/encode.h"
#include "api/router.h"

namespace diatom::api {
namespace {

Task<void> list(Call& call) {
    const auto filters = CO_TRY(decode_filters(call.request));
    const auto containers = call.engine.containers();
    Json rows = Json::array();
    for (const auto& network : call.engine.networks()) {
        const auto matches = [&](std::string_view key, const std::string& value) {
            if (key == "name") return network.name.find(value) != std::string::npos;
            if (key == "id") return network.id.starts_with(value);
            if (key == "driver") return network.driver == value;
            return key == "type" && value == "builtin";
        };
        if (passes(filters, network.labels, matches)) rows.push_back(encode_network(network, containers));
    }
    co_return co_await call.connection.reply_json(200, rows);
}

Task<void> inspect(Call& call) {
    for (const auto& network : call.engine.networks()) {
        if (network.name != call.name() && !network.id.starts_with(call.name())) continue;
        co_return co_await call.connection.reply_json(200, encode_network(network, call.engine.containers()));
    }
    co_return fail(Kind::not_found, "network {} not found", call.name());
}

constexpr Route kRoutes[] = {
    {"GET", "/networks", list},
    {"GET", "/networks/{}", inspect},
};

}  // namespace

std::span<const Route> network_routes() { return kRoutes; }

}  // namespace diatom::api
