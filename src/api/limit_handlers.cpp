// What containers use and may use: stats and update.
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <thread>

#include "api/decode.h"
#include "api/encode.h"
#include "api/race.h"
#include "api/router.h"

namespace diatom::api {
namespace {

namespace asio = boost::asio;
constexpr std::chrono::seconds kInterval{1};

Json encode_cpu(const engine::Stats& stats) {
    return {{"cpu_usage",
             {{"total_usage", stats.cpu_ns},
              {"usage_in_kernelmode", stats.cpu_system_ns},
              {"usage_in_usermode", stats.cpu_user_ns}}},
            {"system_cpu_usage", stats.machine_cpu_ns},
            {"online_cpus", stats.time == 0 ? 0 : std::thread::hardware_concurrency()},
            {"throttling_data",
             {{"periods", stats.periods},
              {"throttled_periods", stats.throttled_periods},
              {"throttled_time", stats.throttled_ns}}}};
}

Json encode_io(const engine::Stats& stats) {
    Json bytes = Json::array(), operations = Json::array();
    const auto row = [](const auto& io, const char* what, std::uint64_t value) {
        return Json{{"major", io.major}, {"minor", io.minor}, {"op", what}, {"value", value}};
    };
    for (const auto& io : stats.io) {
        bytes.push_back(row(io, "read", io.read_bytes));
        bytes.push_back(row(io, "write", io.written_bytes));
        operations.push_back(row(io, "read", io.reads));
        operations.push_back(row(io, "write", io.writes));
    }
    return {{"io_service_bytes_recursive", bytes}, {"io_serviced_recursive", operations}};
}

Json encode_interfaces(const engine::Stats& stats) {
    Json interfaces = Json::object();
    for (const auto& [name, i] : stats.networks) {
        interfaces[name] = {{"rx_bytes", i.rx_bytes},     {"rx_packets", i.rx_packets}, {"rx_errors", i.rx_errors},
                            {"rx_dropped", i.rx_dropped}, {"tx_bytes", i.tx_bytes},     {"tx_packets", i.tx_packets},
                            {"tx_errors", i.tx_errors},   {"tx_dropped", i.tx_dropped}};
    }
    return interfaces;
}

Json encode_stats(const engine::Container& container, const engine::Stats& before, const engine::Stats& now) {
    Json body{{"id", container.id},
              {"name", "/" + container.name},
              {"read", encode_time(now.time)},
              {"preread", encode_time(before.time)},
              {"num_procs", 0},
              {"pids_stats", Json::object()},
              {"storage_stats", Json::object()},
              {"cpu_stats", encode_cpu(now)},
              {"precpu_stats", encode_cpu(before)},
              {"memory_stats", Json::object()},
              {"blkio_stats", encode_io(now)}};
    if (now.time == 0) return body;  // it does not run
    body["pids_stats"] = {{"current", now.pids}};
    if (now.pids_limit) body["pids_stats"]["limit"] = *now.pids_limit;
    body["memory_stats"] = {{"usage", now.memory}, {"limit", now.memory_limit}, {"stats", now.memory_details}};
    if (!now.networks.empty()) body["networks"] = encode_interfaces(now);
    return body;
}

asio::awaitable<void> pause_between() {
    asio::steady_timer timer(co_await asio::this_coro::executor, kInterval);
    boost::system::error_code woken;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, woken));
}

// Until the container is gone or the client is.
Task<void> stream_stats(Call& call, std::string id) {
    engine::Stats before;
    for (;;) {
        const auto container = call.engine.inspect(id);
        if (!container) co_return Result<void>{};
        auto read = co_await call.engine.stats(id);
        const auto now = CO_TRY(std::move(read));
        const auto line = dump_json(encode_stats(*container, before, now)) + "\n";
        auto sent = co_await call.connection.write_chunk(line);
        CO_TRY(std::move(sent));
        before = now;
        co_await pause_between();
        const auto cancelled = co_await asio::this_coro::cancellation_state;
        if (cancelled.cancelled() != asio::cancellation_type::none)
            co_return fail(Kind::cancelled, "the client went away");
    }
}

Task<void> stats(Call& call) {
    const auto container = CO_TRY(call.engine.inspect(call.name()));
    auto read = co_await call.engine.stats(container.id);
    auto now = CO_TRY(std::move(read));
    if (call.request.flag("stream", true)) {
        auto begun = co_await call.connection.begin_stream(200, "application/json");
        CO_TRY(std::move(begun));
        auto streamed = co_await while_connected(call.connection, stream_stats(call, container.id));
        CO_TRY(std::move(streamed));
        co_return co_await call.connection.end_stream();
    }
    // Two looks, so that their difference can be told; one-shot asks for one.
    engine::Stats before;
    if (!call.request.flag("one-shot") && now.time != 0) {
        before = std::move(now);
        co_await pause_between();
        auto again = co_await call.engine.stats(container.id);
        now = CO_TRY(std::move(again));
    }
    co_return co_await call.connection.reply_json(200, encode_stats(container, before, now));
}

Task<void> update(Call& call) {
    const auto body = CO_TRY(body_json(call.request));
    const auto container = CO_TRY(call.engine.inspect(call.name()));
    auto wanted = CO_TRY(decode_update(container.config, body));
    auto updated = co_await call.engine.update(container.id, std::move(wanted));
    CO_TRY(std::move(updated));
    co_return co_await call.connection.reply_json(200, {{"Warnings", nullptr}});
}

constexpr Route kRoutes[] = {
    {"GET", "/containers/{}/stats", stats},
    {"POST", "/containers/{}/update", update},
};

}  // namespace

std::span<const Route> limit_routes() { return kRoutes; }

}  // namespace diatom::api
