#include "engine/stdio.h"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>

#include "sys/clock.h"
#include "sys/log.h"
#include "sys/socket.h"

namespace diatom::engine {
namespace {

constexpr std::size_t kMaxQueued = 1U << 20U;  // bytes for one client
constexpr std::size_t kMaxInput = 256U << 10U;
constexpr std::size_t kReadSize = 64U << 10U;

}  // namespace

void OutputQueue::push(Output output) {
    if (dropped_ || ended_) return;
    bytes_ += output.bytes.size();
    outputs_.push_back(std::move(output));
    readable_.notify_all();
}

void OutputQueue::end() {
    ended_ = true;
    readable_.notify_all();
    room_.notify_all();
}

void OutputQueue::drop() {
    dropped_ = true;
    outputs_.clear();
    room_.notify_all();
}

bool OutputQueue::full() const noexcept { return !dropped_ && !ended_ && bytes_ >= kMaxQueued; }

asio::awaitable<void> OutputQueue::wait_for_room(std::chrono::nanoseconds limit) {
    if (full()) (void)co_await room_.wait(limit);
}

Task<Outputs> OutputQueue::pop() {
    while (outputs_.empty() && !ended_) {
        auto waited = co_await readable_.wait();
        if (!waited) co_return Failure(std::move(waited).error());
    }
    Outputs popped;
    for (std::size_t taken = 0; !outputs_.empty() && taken < kOutputsTogether; outputs_.pop_front()) {
        taken += outputs_.front().footprint();
        bytes_ -= outputs_.front().bytes.size();
        popped.push_back(std::move(outputs_.front()));
    }
    room_.notify_all();
    co_return popped;
}

class HubAttachment final : public Attachment {
public:
    HubAttachment(std::shared_ptr<StdioHub> hub, std::shared_ptr<OutputQueue> queue, bool in)
        : hub_(std::move(hub)), queue_(std::move(queue)), in_(in), ends_(hub_->ends_) {}
    ~HubAttachment() override {
        queue_->drop();
        std::erase_if(hub_->clients_, [&](const auto& client) { return client.queue == queue_; });
        hub_->wake();
        // The one client that stdin was opened for is gone: the program sees the end of its input.
        if (in_ && hub_->stdin_once_ && !hub_->tty_ && hub_->io_) hub_->io_->close_stdin();
    }
    bool tty() const override { return hub_->tty_; }
    Task<Outputs> read() override { co_return co_await queue_->pop(); }

    Task<void> write(std::string bytes) override {
        if (!in_) co_return Result<void>();
        auto io = co_await running_io();
        if (!io) co_return Failure(std::move(io).error());
        if (*io == nullptr || !(*io)->has_stdin()) co_return Result<void>();
        co_return co_await (*io)->write(std::move(bytes));
    }

    Task<void> close_stdin() override {
        if (!in_ || !hub_->stdin_once_ || hub_->tty_) co_return Result<void>();
        auto io = co_await running_io();
        if (!io) co_return Failure(std::move(io).error());
        if (*io) (*io)->close_stdin();
        co_return Result<void>();
    }

private:
    // A client may attach and write before the container is started; after its end there is nothing to write to.
    asio::awaitable<Result<std::shared_ptr<ProcessIo>>> running_io() {
        while (!hub_->io_ && hub_->ends_ == ends_) {
            auto waited = co_await hub_->changed_.wait();
            if (!waited) co_return Failure(std::move(waited).error());
        }
        co_return hub_->io_;
    }

    std::shared_ptr<StdioHub> hub_;
    std::shared_ptr<OutputQueue> queue_;
    bool in_;
    std::uint64_t ends_;  // of the hub when this client came
};

StdioHub::StdioHub(const asio::any_io_executor& loop, bool tty, bool stdin_once)
    : loop_(loop), tty_(tty), stdin_once_(stdin_once), changed_(loop) {}
StdioHub::~StdioHub() = default;

std::unique_ptr<Attachment> StdioHub::attach(const AttachOptions& options) {
    auto queue = std::make_shared<OutputQueue>(loop_);
    if (options.stream) {
        clients_.push_back({.queue = queue, .out = options.out, .err = options.err});
    } else {
        queue->end();
    }
    return std::make_unique<HubAttachment>(shared_from_this(), std::move(queue), options.in);
}

void StdioHub::begin(std::shared_ptr<ProcessIo> io) {
    io_ = std::move(io);
    changed_.notify_all();
}

void StdioHub::end() {
    io_.reset();
    ++ends_;
    for (auto& client : std::exchange(clients_, {})) client.queue->end();
    changed_.notify_all();
}

asio::awaitable<void> StdioHub::deliver(Output output, const bool& at_once) {
    for (const auto& client : clients_) {
        if (output.stream == Output::Stream::err ? client.err : client.out) client.queue->push(output);
    }
    const auto full = [&] { return std::ranges::any_of(clients_, [](const auto& c) { return c.queue->full(); }); };
    while (!at_once && full()) {
        const auto slow = std::ranges::find_if(clients_, [](const auto& c) { return c.queue->full(); })->queue;
        // A bounded wait: `at_once` and clients that go change the answer without waking this very queue.
        co_await slow->wait_for_room(std::chrono::milliseconds(100));
    }
}

ProcessIo::ProcessIo(const asio::any_io_executor& loop, StdioEnds ends, std::shared_ptr<StdioHub> hub,
                     std::shared_ptr<JsonLog> log, std::function<void()> logged, std::function<void()> stdin_closed)
    : loop_(loop),
      hub_(std::move(hub)),
      log_(std::move(log)),
      logged_(std::move(logged)),
      stdin_closed_(std::move(stdin_closed)),
      pumped_(loop),
      input_room_(loop) {
    const auto own = [&](Fd fd) -> std::shared_ptr<Descriptor> {
        if (!fd) return nullptr;
        return std::make_shared<Descriptor>(loop_, fd.release());
    };
    if (ends.terminal) {
        terminal_ = true;
        out_ = own(std::move(ends.terminal));
        stdin_ = out_;
    } else {
        stdin_ = own(std::move(ends.in));
        out_ = own(std::move(ends.out));
        err_ = own(std::move(ends.err));
    }
}

void ProcessIo::start() {
    for (const auto& [from, stream] : {std::pair(out_, Output::Stream::out), std::pair(err_, Output::Stream::err)}) {
        if (!from) continue;
        boost::system::error_code ignored;
        from->non_blocking(true, ignored);
        ++pumps_;
        asio::co_spawn(
            loop_, [self = shared_from_this(), from, stream] { return self->pump(from, stream); }, asio::detached);
    }
    if (stdin_ && stdin_ != out_) {
        boost::system::error_code ignored;
        stdin_->non_blocking(true, ignored);
    }
}

void ProcessIo::use_batch(LogBatch* batch, std::string container) {
    if (!log_ || terminal_) return;
    batch_ = batch;
    container_ = std::move(container);
}

ssize_t ProcessIo::take(int from, LogStream stream, std::span<char> buffer) {
    return batch_ != nullptr ? batch_->take(FdRef(from), container_, *log_, stream, buffer)
                             : ::read(from, buffer.data(), buffer.size());
}

void ProcessIo::append(LogStream stream, std::string_view bytes, std::int64_t time) {
    if (!log_) return;
    auto written = log_->append(stream, bytes, time);
    if (batch_ != nullptr) batch_->done();
    if (!written && !std::exchange(log_failed_, true))
        log::error("a container's log cannot be written", written.error());
    logged_();
}

asio::awaitable<void> ProcessIo::pump(std::shared_ptr<Descriptor> from, Output::Stream stream) {
    // One buffer for all pumps: between the read and its copies nothing is awaited, and all run on the loop's thread.
    static thread_local std::vector<char> buffer(kReadSize);
    const auto log_stream = stream == Output::Stream::err ? LogStream::err : LogStream::out;
    while (from->is_open()) {
        const ssize_t n = take(from->native_handle(), log_stream, buffer);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) {
            const auto [error] = co_await from->async_wait(Descriptor::wait_read, asio::as_tuple(asio::use_awaitable));
            if (error) break;
            continue;
        }
        if (n <= 0) break;  // the end; EIO from a terminal without processes
        ++progress_;
        const std::string_view bytes(buffer.data(), static_cast<std::size_t>(n));
        const auto now = sys::wall_ns();
        append(log_stream, bytes, now);
        co_await hub_->deliver({.stream = stream, .time = now, .bytes = std::string(bytes)}, at_once_);
    }
    --pumps_;
    pumped_.notify_all();
}

asio::awaitable<void> ProcessIo::finish(std::chrono::milliseconds limit) {
    at_once_ = true;
    auto seen = progress_;
    while (pumps_ > 0) {
        const auto waited = co_await pumped_.wait(limit);
        if (!waited && seen == progress_) break;
        seen = progress_;
    }
    if (log_) {
        std::ignore = log_->flush();
        logged_();
    }
    close_all();
}

void ProcessIo::close_all() {
    boost::system::error_code ignored;
    for (const auto& descriptor : {stdin_, out_, err_}) {
        if (descriptor) descriptor->close(ignored);
    }
    input_room_.notify_all();
}

Task<void> ProcessIo::write(std::string bytes) {
    auto self = shared_from_this();
    while (pending_in_.size() >= kMaxInput && stdin_ && stdin_->is_open()) {
        auto waited = co_await input_room_.wait();
        if (!waited) co_return Failure(std::move(waited).error());
    }
    if (!stdin_ || !stdin_->is_open() || closing_stdin_) co_return Result<void>();  // the program closed it: as Docker
    pending_in_ += bytes;
    if (!std::exchange(feeding_, true)) {
        asio::co_spawn(loop_, [self] { return self->feed(); }, asio::detached);
    }
    co_return Result<void>();
}

asio::awaitable<void> ProcessIo::feed() {
    auto self = shared_from_this();
    while (!pending_in_.empty() && stdin_->is_open()) {
        const std::string bytes = std::exchange(pending_in_, {});
        const auto [error, written] =
            co_await asio::async_write(*stdin_, asio::buffer(bytes), asio::as_tuple(asio::use_awaitable));
        if (error && !terminal_) {
            boost::system::error_code ignored;
            stdin_->close(ignored);
        }
        input_room_.notify_all();
    }
    feeding_ = false;
    if (closing_stdin_) close_stdin();
}

void ProcessIo::close_stdin() {
    if (terminal_ || !stdin_ || !stdin_->is_open()) return;
    closing_stdin_ = true;
    if (feeding_) return;  // feed() comes back here
    boost::system::error_code ignored;
    stdin_->close(ignored);
    stdin_closed_();
}

Result<void> ProcessIo::resize(unsigned short rows, unsigned short columns) {
    if (!terminal_ || !out_->is_open()) return fail(Kind::conflict, "cannot resize: the process has no terminal");
    return sys::set_terminal_size(FdRef(out_->native_handle()), rows, columns);
}

}  // namespace diatom::engine
