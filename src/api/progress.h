// The stream of JSON lines that Docker's clients show as progress. Thread side: the engine's loop, but for push().
#pragma once

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <memory>
#include <string>

#include "api/race.h"
#include "image/store.h"

namespace diatom::api {

// Progress comes from worker threads and the loop alike; it is written to the client by one coroutine.
class ProgressStream {
public:
    ProgressStream(Connection& connection, const boost::asio::any_io_executor& loop)
        : connection_(connection), loop_(loop), wake_(loop) {}

    // Any thread.
    void push(std::string line) {
        boost::asio::post(loop_, [self = shared_, line = std::move(line)]() mutable {
            if (auto* stream = *self) stream->enqueue(std::move(line));
        });
    }
    ~ProgressStream() { *shared_ = nullptr; }

    void finish() {
        finished_ = true;
        wake_.expires_at(boost::asio::steady_timer::time_point::min());
    }

    Task<void> run();  // writes until finish()

private:
    void enqueue(std::string line) {
        lines_.push_back(std::move(line));
        wake_.cancel();
    }

    Connection& connection_;
    boost::asio::any_io_executor loop_;
    boost::asio::steady_timer wake_;
    std::deque<std::string> lines_;
    std::shared_ptr<ProgressStream*> shared_ = std::make_shared<ProgressStream*>(this);
    bool finished_ = false;
};

// Begins the stream if it is the first.
Task<void> write_lines(Connection& connection, std::string lines);

std::string progress_line(const image::Progress& progress);
std::string status_line(const std::string& status, const std::string& id = {});
std::string error_line(const Error& error);

// Runs work beside the stream of its progress; its failure becomes the stream's last line, as Docker clients expect, if
// there is a stream by then.
template <class T>
Task<T> with_progress(ProgressStream& stream, Connection& connection, Task<T> work) {
    using namespace boost::asio::experimental::awaitable_operators;
    const auto worker = [&stream, &connection](Task<T> inner) -> Task<T> {
        auto result = co_await while_connected(connection, std::move(inner));
        // The last progress lines are posted: let them arrive before the end.
        co_await boost::asio::post(co_await boost::asio::this_coro::executor, boost::asio::use_awaitable);
        stream.finish();
        co_return result;
    };
    auto [result, sent] = co_await (worker(std::move(work)) && stream.run());
    CO_TRY(std::move(sent));
    if (!result && result.error().kind() != Kind::cancelled && connection.streaming()) {
        const auto line = error_line(result.error());
        auto told = co_await connection.write_chunk(line);
        CO_TRY(std::move(told));
    }
    co_return std::move(result);
}

}  // namespace diatom::api
