// The standard streams of a process: pumped into its log and to whoever is attached. Thread side: the loop's thread.
//
//   container ──pipe or pty──> ProcessIo ──> JsonLog
//                                 ▲   └────> StdioHub ──queue──> Attachment (each client)
//                                 └── stdin ── StdioHub <─────── Attachment
//
// A client that reads slowly holds the container back, as with Docker (its queue is bounded), until the process has
// ended: what is left then is at most the pipe's content and is queued whole, so that no client delays the exit.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "base/fd.h"
#include "engine/async.h"
#include "engine/engine.h"
#include "engine/json_log.h"
#include "engine/log_batch.h"

namespace diatom::engine {

// One client's queue of output.
class OutputQueue {
public:
    explicit OutputQueue(const asio::any_io_executor& loop) : readable_(loop), room_(loop) {}
    void push(Output output);
    void end();   // nothing follows
    void drop();  // the client is gone
    bool full() const noexcept;
    asio::awaitable<void> wait_for_room(std::chrono::nanoseconds limit);
    Task<Outputs> pop();

private:
    std::deque<Output> outputs_;
    std::size_t bytes_ = 0;
    bool ended_ = false, dropped_ = false;
    Signal readable_, room_;
};

// Our ends of one process's streams. Unset ones are not there (stdin closed, or a terminal, which is `terminal` alone).
struct StdioEnds {
    Fd in, out, err, terminal;
};

class ProcessIo;

// Those who are attached to a container (for as long as its record lives) or to an exec.
class StdioHub : public std::enable_shared_from_this<StdioHub> {
public:
    StdioHub(const asio::any_io_executor& loop, bool tty, bool stdin_once);
    ~StdioHub();

    std::unique_ptr<Attachment> attach(const AttachOptions& options);
    // From now on the clients are connected to `io`; until end().
    void begin(std::shared_ptr<ProcessIo> io);
    // The process and its streams have ended: every client reads what is queued, then the end.
    void end();
    const std::shared_ptr<ProcessIo>& io() const noexcept { return io_; }
    bool tty() const noexcept { return tty_; }

    // Waits for the clients whose queues are full, unless `at_once`.
    asio::awaitable<void> deliver(Output output, const bool& at_once);
    void wake() { changed_.notify_all(); }

private:
    friend class HubAttachment;
    struct Client {
        std::shared_ptr<OutputQueue> queue;
        bool out, err;
    };
    asio::any_io_executor loop_;
    bool tty_, stdin_once_;
    std::vector<Client> clients_;
    std::shared_ptr<ProcessIo> io_;
    std::uint64_t ends_ = 0;  // counts end()
    Signal changed_;
};

class ProcessIo : public std::enable_shared_from_this<ProcessIo> {
public:
    // `log` may be null. `stdin_closed` runs once when stdin is closed on purpose (its parked copy must go, too).
    ProcessIo(const asio::any_io_executor& loop, StdioEnds ends, std::shared_ptr<StdioHub> hub,
              std::shared_ptr<JsonLog> log, std::function<void()> logged, std::function<void()> stdin_closed);
    // From here on `container`'s output goes into the log by way of `batch`, which outlives this.
    void use_batch(LogBatch* batch, std::string container);
    void start();
    // After the process's end: waits until its streams are read to their ends; a grandchild that keeps them open (which
    // only a shared pid namespace allows) is waited for `limit` without output. Then closes everything.
    static constexpr std::chrono::milliseconds kDrain{2000};
    asio::awaitable<void> finish(std::chrono::milliseconds limit = kDrain);

    bool has_stdin() const noexcept { return stdin_ != nullptr; }
    Task<void> write(std::string bytes);
    void close_stdin();
    Result<void> resize(unsigned short rows, unsigned short columns);

private:
    using Descriptor = asio::posix::stream_descriptor;
    ssize_t take(int from, LogStream stream, std::span<char> buffer);
    void append(LogStream stream, std::string_view bytes, std::int64_t time);
    asio::awaitable<void> pump(std::shared_ptr<Descriptor> from, Output::Stream stream);
    asio::awaitable<void> feed();
    void close_all();

    asio::any_io_executor loop_;
    std::shared_ptr<StdioHub> hub_;
    std::shared_ptr<JsonLog> log_;
    LogBatch* batch_ = nullptr;
    std::string container_;  // whose output goes through the batch
    std::function<void()> logged_, stdin_closed_;
    std::shared_ptr<Descriptor> stdin_, out_, err_;  // with a terminal stdin_ is out_
    bool terminal_ = false, at_once_ = false, feeding_ = false, closing_stdin_ = false, log_failed_ = false;
    int pumps_ = 0;
    std::uint64_t progress_ = 0;
    std::string pending_in_;
    Signal pumped_, input_room_;
};

}  // namespace diatom::engine
