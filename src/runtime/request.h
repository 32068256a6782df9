// What launch() and the executor say to each other over one SOCK_SEQPACKET connection. Thread side: any.
//
//   launch → executor   request (JSON; descriptors attached), then the compiled seccomp filter if there is one; a copy
//   of
//                       launch()'s process has both in memory
//   executor → launch   cloned {pid} + pidfd, or failed
//   init → launch       environment, if there are hooks to run now; launch → init: go on
//   init → launch       ready (+ pty master), or failed            (init shares the executor's end)
//   launch → init       go, or hold (+ a listening socket): go then comes over a connection that init accepts there,
//   and
//                       the report of a failure goes back over it; the end of the first connection means: exit
//   init → launch       failed to execute; the end of the connection instead means: it executes
#pragma once

#include <map>
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
    Fd listener;         // takes the descriptor of a filter that notifies; `listener_metadata` goes with it
    std::string listener_metadata;
    std::vector<Fd> passed;      // become 3, 4, … of the program
    bool check_program = false;  // before it is ready: a program that is not there fails the launch, not the start

    // Not sent: what the executor prepares while it still has the host's rights and view.
    Fd host_proc;                         // its /proc, for a profile of AppArmor or a listener
    std::map<std::size_t, Fd> id_mapped;  // detached trees of idmapped mounts, by their place in spec.mounts
};
// Those that go with it, in the order in which they are sent.
std::vector<Fd*> descriptors_of(Request& request);
Result<void> send_request(FdRef socket, Request& request);
Result<Request> receive_request(FdRef socket);

struct Report {
    enum class Step : std::uint8_t { cloned, environment, ready, failed };
    Step step = Step::failed;
    int pid = 0;
    Fd fd;  // cloned: pidfd; ready: pty master
    std::optional<Error> error;
};
Result<void> send_cloned(FdRef socket, int pid, FdRef pidfd);
Result<void> send_environment(FdRef socket);
Result<void> send_ready(FdRef socket, FdRef terminal);
void send_failed(FdRef socket, const Error& error) noexcept;
// Nothing at the end of the connection.
Result<std::optional<Report>> receive_report(FdRef socket);

struct Order {
    enum class What : std::uint8_t { go, hold, leave };  // leave: nobody wants it to run any more
    What what = What::leave;
    Fd listener;  // hold
};
Result<void> send_go(FdRef socket);
Result<void> send_hold(FdRef socket, FdRef listener);
Result<Order> receive_order(FdRef socket);

}  // namespace diatom::runtime
