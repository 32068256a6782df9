#include "api/server.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <list>

#include "api/router.h"
#include "api/transport.h"
#include "proc/supervisor.h"
#include "sys/file.h"
#include "sys/log.h"

namespace diatom::api {
namespace {

namespace asio = boost::asio;
constexpr int kStopTimeoutSeconds = 10;

// One client, request after request.
asio::awaitable<void> serve_connection(std::unique_ptr<Transport> transport, engine::Engine& engine) {
    Connection connection(std::move(transport));
    for (;;) {
        auto read = co_await connection.read_request();
        if (!read) {
            auto told = co_await connection.reply_error(read.error());
            (void)told;  // whoever sends garbage may not listen
            break;
        }
        if (!*read) break;
        auto served = co_await dispatch(connection, std::move(**read), engine);
        if (!served || !connection.reusable()) break;
    }
    co_await connection.linger();
    connection.shutdown();
}

// An exception in one connection (out of memory, a library's) ends that connection and nothing else.
void log_crash(const std::exception_ptr& failure) {
    if (!failure) return;
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& e) {
        log::error("connection failed", {{"exception", e.what()}});
    }
}

class Server {
public:
    Server(asio::io_context& loop, const ServeOptions& options)
        : loop_(loop), options_(options), signals_(loop, SIGTERM, SIGINT, SIGPWR) {}

    Result<void> open() {
        engine_ = TRY(engine::Engine::open(loop_.get_executor(), options_.engine), "open the engine");
        const auto accept = [this](std::unique_ptr<Transport> transport) {
            asio::co_spawn(loop_, serve_connection(std::move(transport), *engine_), log_crash);
        };
        for (const auto& path : options_.unix_sockets) {
            TRY(sys::make_dirs(path.substr(0, path.rfind('/'))));
            listeners_.push_back(TRY(listen_unix(loop_.get_executor(), path, accept)));
        }
        if (options_.tls) {
            auto listening = listen_tls(loop_.get_executor(), *options_.tls, accept);
            if (listening) listeners_.push_back(std::move(*listening));
            else log::error("the API is not reachable over TLS", listening.error());
        }
        wait_signal();
        return {};
    }

    void announce() {
        const char* scope = options_.engine.scope == engine::Scope::system ? "system" : "user";
        // Outside our own PID 1 (unit tests, systemd) there may be nobody to tell.
        if (auto told = supervisor_.notify("READY=1"); !told)
            log::debug("readiness not announced", {{"error", told.error().what()}});
        if (auto marked = supervisor_.mark(std::format("{} engine ready", scope)); !marked)
            log::debug("no boot timeline", {{"error", marked.error().what()}});
        log::info("engine ready", {{"scope", scope}});
        asio::co_spawn(loop_, start_all(), log_crash);
    }

private:
    asio::awaitable<void> start_all() {
        auto started = co_await engine_->start_all();
        if (!started) log::error("some containers were not started", started.error());
    }

    void wait_signal() {
        signals_.async_wait([this](boost::system::error_code error, int signal) {
            if (error) return;
            log::info("ending", {{"signal", signal}});
            if (signal == SIGPWR) asio::co_spawn(loop_, stop_all(), log_crash);
            else loop_.stop();
        });
    }

    asio::awaitable<void> stop_all() {
        auto stopped = co_await engine_->stop_all(kStopTimeoutSeconds);
        if (!stopped) log::error("some containers did not stop", stopped.error());
        loop_.stop();
    }

    asio::io_context& loop_;
    ServeOptions options_;
    asio::signal_set signals_;
    proc::Supervisor supervisor_;
    std::unique_ptr<engine::Engine> engine_;
    std::list<std::shared_ptr<void>> listeners_;
};

}  // namespace

Result<void> serve(const ServeOptions& options) {
    std::signal(SIGPIPE, SIG_IGN);
    asio::io_context loop(1);
    Server server(loop, options);
    TRY(server.open());
    server.announce();
    loop.run();
    return {};
}

}  // namespace diatom::api
