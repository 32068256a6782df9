// Runs the engine's coroutines on a loop of the test's own. Thread side: the test's.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "engine/async.h"
#include "engine/engine.h"

namespace diatom::engine::testing {

class LoopDriver {
protected:
    template <class T>
    Result<T> run(Task<T> task) {
        std::optional<Result<T>> result;
        asio::co_spawn(*loop_, std::move(task), [&](std::exception_ptr crash, Result<T> value) {
            if (crash) std::rethrow_exception(crash);
            result = std::move(value);
        });
        loop_->restart();
        while (!result && loop_->run_one() > 0) {}
        return std::move(*result);
    }

    void loop(asio::awaitable<void> task) {
        asio::co_spawn(*loop_, std::move(task), asio::detached);
        loop_->restart();
        loop_->poll();
    }
    // Looks again every few milliseconds, too: a file of a container changes without the loop's knowledge.
    void run_until(const std::function<bool()>& met) {
        while (!met()) {
            loop_->restart();
            loop_->run_one_for(std::chrono::milliseconds(5));
        }
    }

    std::unique_ptr<asio::io_context> loop_;
};

// What was logged, in one piece.
inline Task<std::string> read_logs(Engine& engine, std::string container, LogQuery query) {
    auto opened = co_await engine.logs(std::move(container), query);
    const auto reader = CO_TRY(std::move(opened));
    std::string text;
    for (;;) {
        auto read = co_await reader->next();
        const auto lines = CO_TRY(std::move(read));
        if (lines.empty()) co_return text;
        for (const auto& line : lines) text += line.bytes;
    }
}

}  // namespace diatom::engine::testing
