#include "api/decode.h"
#include "api/encode.h"
#include "api/router.h"

namespace diatom::api {
namespace {

Task<void> create(Call& call) {
    const auto body = CO_TRY(body_json(call.request));
    auto config = CO_TRY(decode_exec_config(body));
    auto created = co_await call.engine.exec_create(call.name(), std::move(config));
    const auto id = CO_TRY(std::move(created));
    co_return co_await call.connection.reply_json(201, {{"Id", id}});
}

Task<void> inspect(Call& call) {
    const auto exec = CO_TRY(call.engine.exec_inspect(call.name()));
    co_return co_await call.connection.reply_json(200, encode_exec(exec));
}

constexpr Route kRoutes[] = {
    {"POST", "/containers/{}/exec", create},
    {"GET", "/exec/{}/json", inspect},
};

}  // namespace

std::span<const Route> exec_routes() { return kRoutes; }

}  // namespace diatom::api
