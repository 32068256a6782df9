#include "api/encode.h"
#include "api/router.h"

namespace diatom::api {
namespace {

Task<void> list(Call& call) {
    const auto filters = CO_TRY(decode_filters(call.request));
    Json rows = Json::array();
    for (const auto& volume : call.engine.volumes()) {
        const auto matches = [&](std::string_view key, const std::string& value) {
            if (key == "name") return volume.name.find(value) != std::string::npos;
            return key == "driver" && volume.driver == value;
        };
        if (passes(filters, volume.labels, matches)) rows.push_back(encode_volume(volume));
    }
    co_return co_await call.connection.reply_json(200, {{"Volumes", rows}, {"Warnings", Json::array()}});
}

Task<void> create(Call& call) {
    const auto body = CO_TRY(body_json(call.request));
    const auto driver = CO_TRY(json_string(body, "Driver", "local"));
    if (!driver.empty() && driver != "local")
        co_return fail(Kind::unsupported, "volume driver \"{}\" is not in this version: it has local", driver);
    auto name = CO_TRY(json_string(body, "Name"));
    auto labels = CO_TRY(json_string_map(body, "Labels"));
    auto options = CO_TRY(json_string_map(body, "DriverOpts"));
    auto created = co_await call.engine.create_volume(std::move(name), std::move(labels), std::move(options));
    const auto volume = CO_TRY(std::move(created));
    co_return co_await call.connection.reply_json(201, encode_volume(volume));
}

Task<void> inspect(Call& call) {
    for (const auto& volume : call.engine.volumes()) {
        if (volume.name == call.name()) co_return co_await call.connection.reply_json(200, encode_volume(volume));
    }
    co_return fail(Kind::not_found, "get {}: no such volume", call.name());
}

Task<void> remove(Call& call) {
    auto removed = co_await call.engine.remove_volume(call.name(), call.request.flag("force"));
    CO_TRY(std::move(removed));
    co_return co_await call.connection.reply_empty(204);
}

constexpr Route kRoutes[] = {
    {"GET", "/volumes", list},
    {"POST", "/volumes/create", create},
    {"GET", "/volumes/{}", inspect},
    {"DELETE", "/volumes/{}", remove},
};

}  // namespace

std::span<const Route> volume_routes() { return kRoutes; }

}  // namespace diatom::api
