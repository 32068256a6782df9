// Life cycle and listing of containers.
#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "api/decode.h"
#include "api/encode.h"
#include "api/older_clients.h"
#include "api/race.h"
#include "api/router.h"
#include "base/strings.h"

namespace diatom::api {
namespace {

Task<void> create(Call& call) {
    const auto body = CO_TRY(body_json(call.request));
    auto config = CO_TRY(decode_container_config(body, call.version()));
    config.platform = call.request.param("platform");
    auto created = co_await call.engine.create(call.request.param("name"), std::move(config));
    const auto result = CO_TRY(std::move(created));
    co_return co_await call.connection.reply_json(201, {{"Id", result.id}, {"Warnings", result.warnings}});
}

Result<std::optional<int>> timeout_param(const Request& request) {
    const auto value = TRY(request.number("t"));
    if (!value) return std::nullopt;
    if (*value < -1 || *value > 1'000'000) return fail(Kind::invalid, "\"t\" must be from -1 to 1000000 seconds");
    return static_cast<int>(*value);
}

Task<void> start(Call& call) {
    if (!call.request.param("checkpoint").empty()) co_return fail(Kind::unsupported, "{}", kNoCheckpoints);
    auto started = co_await call.engine.start(call.name());
    CO_TRY(std::move(started));
    co_return co_await call.connection.reply_empty(204);
}

Task<void> stop(Call& call) {
    const auto timeout = CO_TRY(timeout_param(call.request));
    auto stopped = co_await call.engine.stop(call.name(), timeout, call.request.param("signal"));
    CO_TRY(std::move(stopped));
    co_return co_await call.connection.reply_empty(204);
}

Task<void> restart(Call& call) {
    const auto timeout = CO_TRY(timeout_param(call.request));
    auto done = co_await call.engine.restart(call.name(), timeout, call.request.param("signal"));
    CO_TRY(std::move(done));
    co_return co_await call.connection.reply_empty(204);
}

Task<void> kill(Call& call) {
    auto killed = co_await call.engine.kill(call.name(), call.request.param("signal", "SIGKILL"));
    CO_TRY(std::move(killed));
    co_return co_await call.connection.reply_empty(204);
}

Task<void> pause(Call& call) {
    auto paused = co_await call.engine.pause(call.name(), true);
    CO_TRY(std::move(paused));
    co_return co_await call.connection.reply_empty(204);
}

Task<void> unpause(Call& call) {
    auto resumed = co_await call.engine.pause(call.name(), false);
    CO_TRY(std::move(resumed));
    co_return co_await call.connection.reply_empty(204);
}

// A link's name is CONTAINER/ALIAS. Nothing else has a slash in it.
Task<void> remove_link(Call& call) {
    if (!call.request.flag("link")) co_return fail(Kind::not_found, "No such container: {}", call.name());
    auto removed = co_await call.engine.remove_link(call.name());
    CO_TRY(std::move(removed));
    co_return co_await call.connection.reply_empty(204);
}

Task<void> remove(Call& call) {
    if (call.request.flag("link")) co_return co_await remove_link(call);
    engine::RemoveOptions options;
    options.force = call.request.flag("force");
    options.volumes = call.request.flag("v");
    auto removed = co_await call.engine.remove(call.name(), options);
    CO_TRY(std::move(removed));
    co_return co_await call.connection.reply_empty(204);
}

Task<void> rename(Call& call) {
    auto renamed = co_await call.engine.rename(call.name(), call.request.param("name"));
    CO_TRY(std::move(renamed));
    co_return co_await call.connection.reply_empty(204);
}

Result<std::pair<unsigned short, unsigned short>> window_size(const Request& request) {
    const auto length = [&](const char* key, std::string_view what) -> Result<unsigned short> {
        const auto text = request.param(key);
        const auto number = parse_int(text);
        if (!number) return fail(Kind::invalid, "invalid resize {} \"{}\": invalid syntax", what, text);
        if (*number < 0 || *number > 65535)
            return fail(Kind::invalid, "invalid resize {} \"{}\": value out of range", what, text);
        return static_cast<unsigned short>(*number);
    };
    const auto rows = TRY(length("h", "height"));
    return std::pair{rows, TRY(length("w", "width"))};
}

Task<void> resize(Call& call) {
    const auto [rows, columns] = CO_TRY(window_size(call.request));
    auto resized = co_await call.engine.resize(call.name(), rows, columns);
    CO_TRY(std::move(resized));
    co_return co_await call.connection.reply_empty(200);
}

Task<void> exec_resize(Call& call) {
    const auto [rows, columns] = CO_TRY(window_size(call.request));
    auto resized = co_await call.engine.exec_resize(call.name(), rows, columns);
    CO_TRY(std::move(resized));
    co_return co_await call.connection.reply_empty(201);
}

Task<void> inspect(Call& call) {
    const auto container = CO_TRY(call.engine.inspect(call.name()));
    std::optional<engine::ContainerSize> size;
    if (call.request.flag("size")) {
        auto measured = co_await call.engine.container_size(container.id);
        size = CO_TRY(std::move(measured));
    }
    auto body = encode_container(container, size);
    add_older_container(body, container, call.version());
    co_return co_await call.connection.reply_json(200, body);
}

// A timer as a latch: set once, seen by whoever waits before or after.
using Latch = boost::asio::steady_timer;
void open_latch(Latch& latch) { latch.expires_at(Latch::time_point::min()); }

Task<engine::WaitResult> wait_armed(Call& call, engine::WaitCondition condition, Latch& armed) {
    auto result = co_await while_connected(call.connection,
                                           call.engine.wait(call.name(), condition, [&armed] { open_latch(armed); }));
    open_latch(armed);
    co_return result;
}

// The client starts the container when it has our headers, so they go out as soon as no exit can be missed any more.
Task<void> begin_when(Call& call, Latch& armed) {
    boost::system::error_code woken;
    co_await armed.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
    co_return co_await call.connection.begin_stream(200, "application/json");
}

Task<void> wait(Call& call) {
    using engine::WaitCondition;
    const auto text = call.request.param("condition", "not-running");
    WaitCondition condition = WaitCondition::not_running;
    if (text == "next-exit") condition = WaitCondition::next_exit;
    else if (text == "removed") condition = WaitCondition::removed;
    else if (text != "not-running" && !text.empty()) co_return fail(Kind::invalid, "invalid condition: \"{}\"", text);
    CO_TRY(call.engine.inspect(call.name()));  // an unknown name is a 404, before any header is sent

    using namespace boost::asio::experimental::awaitable_operators;
    Latch armed(co_await boost::asio::this_coro::executor, Latch::time_point::max());
    auto [waited, begun] = co_await (wait_armed(call, condition, armed) && begin_when(call, armed));
    CO_TRY(std::move(begun));
    const auto result = CO_TRY(std::move(waited));
    Json body{{"StatusCode", result.exit_code}};
    if (!result.error.empty()) body["Error"] = {{"Message", result.error}};
    const auto text_body = dump_json(body) + "\n";
    auto sent = co_await call.connection.write_chunk(text_body);
    CO_TRY(std::move(sent));
    co_return co_await call.connection.end_stream();
}

Task<void> top(Call& call) {
    auto listed = co_await call.engine.top(call.name(), call.request.param("ps_args"));
    const auto table = CO_TRY(std::move(listed));
    co_return co_await call.connection.reply_json(200, {{"Titles", table.titles}, {"Processes", table.rows}});
}

constexpr Route kRoutes[] = {
    {"POST", "/containers/create", create},      {"GET", "/containers/{}/json", inspect},
    {"GET", "/containers/{}/top", top},          {"POST", "/containers/{}/start", start},
    {"POST", "/containers/{}/stop", stop},       {"POST", "/containers/{}/restart", restart},
    {"POST", "/containers/{}/kill", kill},       {"POST", "/containers/{}/pause", pause},
    {"POST", "/containers/{}/unpause", unpause}, {"POST", "/containers/{}/rename", rename},
    {"POST", "/containers/{}/resize", resize},   {"POST", "/containers/{}/wait", wait},
    {"DELETE", "/containers/{}", remove},        {"DELETE", "/containers/{*}", remove_link},
    {"POST", "/exec/{}/resize", exec_resize},
};

}  // namespace

std::span<const Route> container_routes() { return kRoutes; }

}  // namespace diatom::api
