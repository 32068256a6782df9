#include "api/decode.h"
#include "api/encode.h"
#include "api/name_filter.h"
#include "api/router.h"
#include "engine/endpoints.h"

namespace diatom::api {
namespace {

Task<void> list(Call& call) {
    static constexpr std::string_view kFilters[] = {"name", "id", "driver", "type", "label", "scope", "dangling"};
    auto filters = CO_TRY(decode_filters(call.request));
    CO_TRY(check_filters(filters, kFilters));
    const auto names = CO_TRY(NameFilter::take(filters));
    const auto containers = call.engine.containers();
    Json rows = Json::array();
    for (const auto& network : call.engine.networks()) {
        const bool builtin = engine::is_builtin(network);
        const auto matches = [&](std::string_view key, const std::string& value) {
            if (key == "id") return network.id.starts_with(value);
            if (key == "driver") return network.driver == value;
            if (key == "scope") return value == "local";
            if (key == "dangling") return is_true(value) == (!builtin && !engine::is_used(network, containers));
            return key == "type" && value == (builtin ? "builtin" : "custom");
        };
        // A listing leaves out who is on each network, as Docker's does.
        if (names.allows(network.name) && passes(filters, network.labels, matches))
            rows.push_back(encode_network(network, {}));
    }
    co_return co_await call.connection.reply_json(200, rows);
}

Task<void> inspect(Call& call) {
    const auto network = CO_TRY(call.engine.network(call.name()));
    co_return co_await call.connection.reply_json(200, encode_network(network, call.engine.containers()));
}

Task<void> create(Call& call) {
    const auto body = CO_TRY(body_json(call.request));
    auto wanted = CO_TRY(decode_network(body));
    auto created = co_await call.engine.create_network(std::move(wanted));
    const auto network = CO_TRY(std::move(created));
    co_return co_await call.connection.reply_json(201, {{"Id", network.id}, {"Warning", ""}});
}

Task<void> remove(Call& call) {
    auto removed = co_await call.engine.remove_network(call.name());
    CO_TRY(std::move(removed));
    co_return co_await call.connection.reply_empty(204);
}

Task<void> connect(Call& call) {
    const auto body = CO_TRY(body_json(call.request));
    auto wanted = CO_TRY(decode_connecting(call.name(), body));
    auto done = co_await call.engine.connect_network(call.name(), wanted.container, std::move(wanted.endpoint));
    CO_TRY(std::move(done));
    co_return co_await call.connection.reply_empty(200);
}

Task<void> disconnect(Call& call) {
    const auto body = CO_TRY(body_json(call.request));
    const auto wanted = CO_TRY(decode_disconnecting(body));
    auto done = co_await call.engine.disconnect_network(call.name(), wanted.container, wanted.force);
    CO_TRY(std::move(done));
    co_return co_await call.connection.reply_empty(200);
}

constexpr Route kRoutes[] = {
    {"GET", "/networks", list},
    {"GET", "/networks/", list},
    {"POST", "/networks/create", create},
    {"GET", "/networks/{}", inspect},
    {"DELETE", "/networks/{}", remove},
    {"POST", "/networks/{}/connect", connect},
    {"POST", "/networks/{}/disconnect", disconnect},
};

}  // namespace

std::span<const Route> network_routes() { return kRoutes; }

}  // namespace diatom::api
