// Attach, exec start and logs: stdio over hijacked connections.
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "api/detach_keys.h"
#include "api/encode.h"
#include "api/output_stream.h"
#include "api/race.h"
#include "api/router.h"

namespace diatom::api {
namespace {

namespace asio = boost::asio;

constexpr std::string_view kRaw = "application/vnd.docker.raw-stream";
constexpr std::string_view kMultiplexed = "application/vnd.docker.multiplexed-stream";

// Ends only by the detach keys: a client that closes its side still wants our output.
Task<void> receive_input(Connection& connection, engine::Attachment& attachment, DetachKeys keys, bool wants_input) {
    for (;;) {
        auto received = co_await connection.read_raw();
        if (!received || received->empty()) break;
        if (!wants_input) continue;
        const auto scanned = attachment.tty() ? keys.scan(*received) : DetachKeys::Scanned{std::move(*received), false};
        if (!scanned.pass.empty()) {
            auto written = co_await attachment.write(scanned.pass);
            if (!written) break;  // the process has closed its input: Docker drops the rest too
        }
        if (scanned.detached) co_return Result<void>{};
    }
    if (wants_input) {
        auto closed = co_await attachment.close_stdin();
        (void)closed;  // the process may be gone already
    }
    asio::steady_timer never(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
    boost::system::error_code woken;
    co_await never.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    co_return Result<void>{};
}

Task<void> relay(Connection& connection, engine::Attachment& attachment, Framing framing, DetachKeys keys,
                 bool wants_input) {
    using namespace asio::experimental::awaitable_operators;
    auto outcome = co_await (send_output(connection, attachment, framing) ||
                             receive_input(connection, attachment, std::move(keys), wants_input));
    connection.shutdown();
    co_return outcome.index() == 0 ? std::get<0>(std::move(outcome)) : std::get<1>(std::move(outcome));
}

std::string_view stream_type(const Call& call, bool tty) {
    // Told apart since API 1.42, and only to clients that upgrade.
    return !tty && call.version() >= 42 && call.request.upgrade() ? kMultiplexed : kRaw;
}

Task<void> attach(Call& call) {
    auto keys = CO_TRY(DetachKeys::parse(call.request.param("detachKeys")));
    engine::AttachOptions options;
    options.stream = call.request.flag("stream");
    options.logs = call.request.flag("logs");
    options.in = call.request.flag("stdin");
    options.out = call.request.flag("stdout");
    options.err = call.request.flag("stderr");
    auto attached = co_await call.engine.attach(call.name(), options);
    const auto attachment = CO_TRY(std::move(attached));
    auto hijacked = co_await call.connection.hijack(call.request, stream_type(call, attachment->tty()));
    CO_TRY(std::move(hijacked));
    co_return co_await relay(call.connection, *attachment, framing(attachment->tty()), std::move(keys), options.in);
}

// A program that cannot be executed has an exit code (126, 127) all the same. Docker's clients read the reason from the
// stream and the code by inspecting the exec, so the connection is upgraded first.
Task<void> tell_exec_failure(Call& call, bool raw, Error error) {
    const auto exec = CO_TRY(call.engine.exec_inspect(call.name()));
    if (!exec.exit_code) co_return Failure(std::move(error));
    auto hijacked = co_await call.connection.hijack(call.request, stream_type(call, raw));
    CO_TRY(std::move(hijacked));
    const engine::Output reason{engine::Output::Stream::out, 0, "OCI runtime exec failed: " + error.what() + "\r\n"};
    std::string bytes;
    append_output(bytes, reason, framing(raw));
    auto sent = co_await call.connection.write_raw(bytes);
    call.connection.shutdown();
    co_return std::move(sent);
}

Task<void> exec_start(Call& call) {
    const auto body = CO_TRY(body_json(call.request));
    const bool detach = CO_TRY(json_bool(body, "Detach"));
    const bool tty = CO_TRY(json_bool(body, "Tty"));
    const auto exec = CO_TRY(call.engine.exec_inspect(call.name()));
    auto keys = CO_TRY(DetachKeys::parse(exec.config.detach_keys));
    auto started = co_await call.engine.exec_start(call.name(), detach, tty);
    if (!started && !detach) co_return co_await tell_exec_failure(call, tty, std::move(started).error());
    const auto attachment = CO_TRY(std::move(started));
    if (!attachment) co_return co_await call.connection.reply_empty(200);
    // Whoever starts it without a terminal reads frames, even if it was created with one.
    auto hijacked = co_await call.connection.hijack(call.request, stream_type(call, tty));
    CO_TRY(std::move(hijacked));
    co_return co_await relay(call.connection, *attachment, framing(tty), std::move(keys), exec.config.attach_stdin);
}

Task<void> logs(Call& call) {
    const auto container = CO_TRY(call.engine.inspect(call.name()));
    engine::LogQuery query;
    query.follow = call.request.flag("follow");
    query.out = call.request.flag("stdout");
    query.err = call.request.flag("stderr");
    query.timestamps = call.request.flag("timestamps");
    query.details = call.request.flag("details");
    if (!query.out && !query.err) co_return fail(Kind::invalid, "Bad parameters: you must choose at least one stream");
    query.since = CO_TRY(time_param(call.request, "since")).value_or(0);
    query.until = CO_TRY(time_param(call.request, "until")).value_or(0);
    const auto tail = call.request.param("tail", "all");
    if (tail != "all" && !tail.empty()) {
        // Docker takes a negative or malformed count for "all".
        if (auto lines = call.request.number("tail"); lines && *lines && **lines >= 0)
            query.tail = static_cast<std::uint64_t>(**lines);
    }
    auto opened = co_await call.engine.logs(container.id, query);
    const auto reader = CO_TRY(std::move(opened));
    const bool tty = container.config.tty;
    auto begun = co_await call.connection.begin_stream(200, !tty && call.version() >= 42 ? kMultiplexed : kRaw);
    CO_TRY(std::move(begun));
    auto sent =
        co_await while_connected(call.connection, send_log(call.connection, *reader, framing(tty), query.timestamps));
    CO_TRY(std::move(sent));
    co_return co_await call.connection.end_stream();
}

constexpr Route kRoutes[] = {
    {"POST", "/containers/{}/attach", attach},
    {"GET", "/containers/{}/logs", logs},
    {"POST", "/exec/{}/start", exec_start},
};

}  // namespace

std::span<const Route> stream_routes() { return kRoutes; }

}  // namespace diatom::api
