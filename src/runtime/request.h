// What launch() and the executor say to each other over one SOCK_SEQPACKET connection. Thread side: any.
//
//   launch → executor   request (JSON; descriptors attached), then the compiled seccomp filter if there is one
//   executor → launch   cloned {pid} + pidfd, or failed
//   init → launch       ready (+ pty master), or failed            (init shares the executor's end)
//   launch → init       go; the end of the connection instead means: exit
//   init → launch       failed to execute; the end of the connection instead means: it executes
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "base/fd.h"
#include "runtime/spec.h"

namespace diatom::runtime {

inline constexpr int kExecutorSocket = 3;

struct Request {
    Spec spec;          // seccomp is not sent: the filter stands for it
    bool join = false;  // enter the namespaces of `target` instead of making new ones
    bool has_filter = false;
    unsigned filter_flags = 0;
    std::string filter;  // sock_filter instructions
    Fd cgroup, target;   // target: a pidfd
};
Result<void> send_request(FdRef socket, const Spec& spec, const Request& rest);
Result<Request> receive_request(FdRef socket);

struct Report {
    enum class Step : std::uint8_t { cloned, ready, failed };
    Step step = Step::failed;
    int pid = 0;
    Fd fd;  // cloned: pidfd; ready: pty master
    std::optional<Error> error;
};
Result<void> send_cloned(FdRef socket, int pid, FdRef pidfd);
Result<void> send_ready(FdRef socket, FdRef terminal);
void send_failed(FdRef socket, const Error& error) noexcept;
// Nothing at the end of the connection.
Result<std::optional<Report>> receive_report(FdRef socket);

Result<void> send_go(FdRef socket);
Result<bool> receive_go(FdRef socket);  // false: nobody wants it to run any more

}  // namespace diatom::runtime
