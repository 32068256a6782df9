#include "engine/log_batch.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "sys/clock.h"
#include "sys/file.h"
#include "sys/socket.h"

namespace diatom::engine {
namespace {

constexpr std::size_t kMost = 64U << 10U;  // bytes of a batch: what a pipe holds
constexpr std::uint64_t kNothing = UINT64_MAX;

enum class Stage : std::uint32_t { idle, taken, logged };

}  // namespace

// As it lies in the file. Every member is stored before the system call that makes it matter.
struct LogBatch::Journal {
    Stage stage;
    LogStream stream;
    std::array<char, 64> container;
    std::int64_t time;
    std::uint64_t begin;  // of what the log has of this batch; kNothing: nothing yet
    std::int64_t partial_time;
    std::uint32_t partial_size;
    std::array<char, kMaxLogLine> partial;  // the line that was begun before
};

Result<std::unique_ptr<LogBatch>> LogBatch::open(const proc::Supervisor& supervisor, const std::string& name,
                                                 const std::string& journal) {
    Fd out, in;
    auto parked = TRY(supervisor.parked(name));
    if (parked.empty()) {
        std::tie(out, in) = TRY(sys::make_pipe());
        TRY(supervisor.park(name, out));
    } else {
        out = std::move(parked.front().fd);
        in = TRY(sys::open_path(std::format("/proc/self/fd/{}", out.raw()), O_WRONLY | O_NONBLOCK));
    }
    const auto file = TRY(sys::open_path(journal, O_RDWR | O_CREAT, 0600), "journal of the logs");
    if (::ftruncate(file.raw(), sizeof(Journal)) < 0) return fail_errno(errno, "journal of the logs");
    void* mapped = ::mmap(nullptr, sizeof(Journal), PROT_READ | PROT_WRITE, MAP_SHARED, file.raw(), 0);
    if (mapped == MAP_FAILED) return fail_errno(errno, "map the journal of the logs");
    auto copy = sys::make_pipe();
    if (!copy) {
        ::munmap(mapped, sizeof(Journal));
        return forward_error(std::move(copy));
    }
    return std::unique_ptr<LogBatch>(
        new LogBatch(std::move(out), std::move(in), std::move(*copy), static_cast<Journal*>(mapped)));
}

LogBatch::~LogBatch() { ::munmap(journal_, sizeof(Journal)); }

std::size_t LogBatch::waiting() const {
    int bytes = 0;
    return ::ioctl(batch_out_.raw(), FIONREAD, &bytes) == 0 ? static_cast<std::size_t>(bytes) : 0;
}

ssize_t LogBatch::look(std::span<char> buffer) {
    const ssize_t copied = ::tee(batch_out_.raw(), copy_in_.raw(), buffer.size(), SPLICE_F_NONBLOCK);
    if (copied <= 0) return copied;
    return ::read(copy_out_.raw(), buffer.data(), static_cast<std::size_t>(copied));
}

ssize_t LogBatch::take(FdRef from, const std::string& container, JsonLog& log, LogStream stream,
                       std::span<char> buffer) {
    Journal& journal = *journal_;
    std::ranges::fill(journal.container, '\0');
    std::ranges::copy_n(container.begin(), static_cast<long>(std::min(container.size(), journal.container.size())),
                        journal.container.begin());
    journal.stream = stream;
    journal.time = sys::wall_ns();
    const auto& partial = log.partial(stream);
    journal.partial_time = partial.time;
    journal.partial_size = static_cast<std::uint32_t>(std::min(partial.text.size(), journal.partial.size()));
    std::ranges::copy_n(partial.text.begin(), journal.partial_size, journal.partial.begin());
    journal.begin = kNothing;
    log.tell_begin(&journal.begin);
    journal.stage = Stage::taken;
    const auto most = std::min(buffer.size(), kMost);
    const ssize_t moved = ::splice(from.raw(), nullptr, batch_in_.raw(), nullptr, most, SPLICE_F_NONBLOCK);
    if (moved <= 0) return moved;
    const auto bytes = buffer.first(static_cast<std::size_t>(moved));
    // Without memory for a copy the pipe is emptied at once, as without all this.
    return look(bytes) == moved ? moved : ::read(batch_out_.raw(), bytes.data(), bytes.size());
}

void LogBatch::done() {
    journal_->stage = Stage::logged;
    // One call, which no signal interrupts while there is something to read: the pipe is full or empty, never between.
    static thread_local std::vector<char> rest(kMost);
    if (waiting() > 0) std::ignore = ::read(batch_out_.raw(), rest.data(), rest.size());
    journal_->stage = Stage::idle;
}

Result<void> LogBatch::write_again(JsonLog& log) {
    Journal& journal = *journal_;
    log.tell_begin(&journal.begin);
    const auto begun = std::min<std::size_t>(journal.partial_size, journal.partial.size());
    log.begin_line(journal.stream, {journal.partial.data(), begun}, journal.partial_time);
    std::vector<char> bytes(kMost);
    const auto size = look(bytes);
    if (size < 0) return fail_errno(errno, "read what was on its way into the log");
    return log.append(journal.stream, {bytes.data(), static_cast<std::size_t>(size)}, journal.time);
}

Result<void> LogBatch::recover(const OpenLog& open_log) {
    const auto complete = [&]() -> Result<void> {
        if (waiting() == 0 || journal_->stage == Stage::logged) return {};
        const auto& id = journal_->container;
        const auto size = journal_->begin == kNothing ? std::nullopt : std::optional(journal_->begin);
        const auto log = TRY(open_log(std::string(id.begin(), std::ranges::find(id, '\0')), size));
        return write_again(*log);
    };
    auto completed = complete();
    done();
    return completed;
}

}  // namespace diatom::engine
