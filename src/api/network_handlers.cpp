#include <algorithm>

#include "api/decode.h"
#include "api/encode.h"
#include "api/router.h"
#include "base/strings.h"
#include "sys/clock.h"

namespace diatom::api {
namespace {

bool in_use(const engine::NetworkRecord& network, const std::vector<engine::Container>& containers) {
    return std::ranges::any_of(containers, [&](const engine::Container& container) {
        return std::ranges::contains(container.endpoints, network.name, &engine::EndpointState::network) ||
               std::ranges::contains(container.config.networks, network.name, &engine::EndpointConfig::network) ||
               container.config.network_mode == network.name;
    });
}

bool is_true(const std::string& value) { return value == "true" || value == "1"; }

Result<void> check_filters(const Filters& filters, std::initializer_list<std::string_view> known) {
    for (const auto& [key, values] : filters) {
        if (!std::ranges::contains(known, std::string_view(key)))
            return fail(Kind::invalid, "invalid filter '{}'", key);
    }
    return {};
}

Task<void> list(Call& call) {
    const auto filters = CO_TRY(decode_filters(call.request));
    CO_TRY(check_filters(filters, {"name", "id", "driver", "type", "label", "scope", "dangling"}));
    const auto containers = call.engine.containers();
    Json rows = Json::array();
    for (const auto& network : call.engine.networks()) {
        const bool builtin = engine::is_builtin(network);
        const auto matches = [&](std::string_view key, const std::string& value) {
            if (key == "name") return network.name.find(value) != std::string::npos;
            if (key == "id") return network.id.starts_with(value);
            if (key == "driver") return network.driver == value;
            if (key == "scope") return value == "local";
            if (key == "dangling") return is_true(value) == (!builtin && !in_use(network, containers));
            return key == "type" && value == (builtin ? "builtin" : "custom");
        };
        // A listing leaves out who is on each network, as Docker's does.
        if (passes(filters, network.labels, matches)) rows.push_back(encode_network(network, {}));
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
    const auto container = CO_TRY(json_string(body, "Container"));
    auto config = CO_TRY(decode_endpoint(call.name(), json_member(body, "EndpointConfig")));
    auto done = co_await call.engine.connect_network(call.name(), container, std::move(config));
    CO_TRY(std::move(done));
    co_return co_await call.connection.reply_empty(200);
}

Task<void> disconnect(Call& call) {
    const auto body = CO_TRY(body_json(call.request));
    const auto container = CO_TRY(json_string(body, "Container"));
    const bool force = CO_TRY(json_bool(body, "Force"));
    auto done = co_await call.engine.disconnect_network(call.name(), container, force);
    CO_TRY(std::move(done));
    co_return co_await call.connection.reply_empty(200);
}

// "label!" lists labels that keep a network.
bool prunable(const engine::NetworkRecord& network, const Filters& filters, std::int64_t until) {
    if (engine::is_builtin(network) || (until != 0 && network.created >= until)) return false;
    const auto kept = filters.find("label!");
    return labels_match(network.labels, filters) &&
           (kept == filters.end() || std::ranges::none_of(kept->second, [&](const std::string& wanted) {
                return label_matches(network.labels, wanted);
            }));
}

Task<void> prune(Call& call) {
    const auto filters = CO_TRY(decode_filters(call.request));
    CO_TRY(check_filters(filters, {"until", "label", "label!"}));
    std::int64_t until = 0;
    if (const auto given = filters.find("until"); given != filters.end() && !given->second.empty()) {
        const auto time = sys::parse_time_argument(given->second.front());
        if (!time) co_return fail(Kind::invalid, "\"until\" is not a time: \"{}\"", given->second.front());
        until = *time;
    }
    Json removed = Json::array();
    for (const auto& network : call.engine.networks()) {
        if (!prunable(network, filters, until) || in_use(network, call.engine.containers())) continue;
        // One that a container joined meanwhile stays.
        auto done = co_await call.engine.remove_network(network.id);
        if (done) removed.push_back(network.name);
    }
    co_return co_await call.connection.reply_json(200, {{"NetworksDeleted", removed}});
}

constexpr Route kRoutes[] = {
    {"GET", "/networks", list},
    {"POST", "/networks/create", create},
    {"POST", "/networks/prune", prune},
    {"GET", "/networks/{}", inspect},
    {"DELETE", "/networks/{}", remove},
    {"POST", "/networks/{}/connect", connect},
    {"POST", "/networks/{}/disconnect", disconnect},
};

}  // namespace

std::span<const Route> network_routes() { return kRoutes; }

}  // namespace diatom::api
