// Output on its way from a container's pipe into its log, such that an engine may be killed at any instant and nothing
// is lost or logged twice. What a reader has read would be gone with it, so output goes through a second pipe, which
// PID 1 keeps, and leaves that when it is in the log:
//
//   container's pipe ──splice──> batch ──tee──> JsonLog
//                                  └─ emptied once the log has it
//
// Beside it lies a journal, a file on tmpfs that is mapped: whose output it is, what the log was before, how far it
// got.
//
//   idle ──take()──> taken ──JsonLog::append()──> (log is longer) ──done()──> logged ──> idle, and the pipe empty
//
// A successor finds the pipe empty, or the log cut back to its beginning is given what is in the pipe, or, if logged,
// nothing. One batch at a time for all containers: reading and appending do not wait for anything. Terminals have no
// such pipe. Thread side: the loop's thread.
// Source: splice(2), tee(2).
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "engine/json_log.h"
#include "proc/supervisor.h"

namespace diatom::engine {

class LogBatch {
public:
    // `name`: under which PID 1 keeps the pipe. unavailable without a PID 1 of ours.
    static Result<std::unique_ptr<LogBatch>> open(const proc::Supervisor& supervisor, const std::string& name,
                                                  const std::string& journal);
    ~LogBatch();

    // Puts into the log what a predecessor had on its way. `open_log` opens the log of a container, cut back to `size`
    // bytes where it says one; an error: the container is gone, and so is its output.
    using OpenLog = std::function<Result<std::unique_ptr<JsonLog>>(const std::string& container,
                                                                   std::optional<std::uint64_t> size)>;
    Result<void> recover(const OpenLog& open_log);

    // As read(2) on the non-blocking pipe `from`, errno included.
    ssize_t take(FdRef from, const std::string& container, JsonLog& log, LogStream stream, std::span<char> buffer);
    void done();  // the log has it, or never will

private:
    struct Journal;
    LogBatch(Fd batch_out, Fd batch_in, std::pair<Fd, Fd> copy, Journal* journal)
        : batch_out_(std::move(batch_out)),
          batch_in_(std::move(batch_in)),
          copy_out_(std::move(copy.first)),
          copy_in_(std::move(copy.second)),
          journal_(journal) {}
    std::size_t waiting() const;
    ssize_t look(std::span<char> buffer);  // without emptying
    Result<void> write_again(JsonLog& log);

    Fd batch_out_, batch_in_, copy_out_, copy_in_;
    Journal* journal_;
};

}  // namespace diatom::engine
