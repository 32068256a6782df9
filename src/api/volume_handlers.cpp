#include "api/decode.h"
#include "api/encode.h"
#include "api/name_filter.h"
#include "api/router.h"
#include "engine/volumes.h"

namespace diatom::api {
namespace {

Task<void> list(Call& call) {
    static constexpr std::string_view kFilters[] = {"name", "driver", "label", "dangling"};
    auto filters = CO_TRY(decode_filters(call.request));
    CO_TRY(check_filters(filters, kFilters));
    const auto names = CO_TRY(NameFilter::take(filters));
    const auto containers = call.engine.containers();
    Json rows = Json::array();
    for (const auto& volume : call.engine.volumes()) {
        const auto matches = [&](std::string_view key, const std::string& value) {
            if (key == "dangling") return is_true(value) == (engine::count_users(volume, containers) == 0);
            return key == "driver" && volume.driver == value;
        };
        if (names.allows(volume.name) && passes(filters, volume.labels, matches)) rows.push_back(encode_volume(volume));
    }
    co_return co_await call.connection.reply_json(200, {{"Volumes", rows}, {"Warnings", Json::array()}});
}

Task<void> create(Call& call) {
    const auto body = CO_TRY(body_json(call.request));
    auto wanted = CO_TRY(decode_volume(body));
    auto created =
        co_await call.engine.create_volume(std::move(wanted.name), std::move(wanted.labels), std::move(wanted.options));
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
