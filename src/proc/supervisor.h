// The client side of PID 1: readiness, the fd store, the exit ledger, boot marks, power. Thread side: any; each call is
// one request on a SOCK_SEQPACKET connection of its own and blocks for at most five seconds.
//
// Wire: JSON objects, one a packet, descriptors as SCM_RIGHTS. Requests {"op":…}; replies {"ok":true,…} or
// {"ok":false,"kind":…,"error":…}. sd_notify datagrams (READY=1, WATCHDOG=1, FDSTORE=1 with FDNAME=…,
// FDSTOREREMOVE=1) go to $NOTIFY_SOCKET, so that the engines also run under systemd.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "sys/process.h"

namespace diatom::proc {

inline constexpr const char* kInitSocket = "/run/diatom/init.sock";
inline constexpr const char* kNotifySocket = "/run/diatom/notify.sock";

struct StoredFd {
    std::string name;  // "SCOPE/CONTAINER/stdout"
    Fd fd;
};

enum class Power { off, reboot, halt, kexec };

// Without PID 1 of ours (no socket, unit tests on a host) the fd store and ledger calls give Kind::unavailable.
class Supervisor {
public:
    explicit Supervisor(std::string init_socket = kInitSocket, std::string notify_socket = kNotifySocket)
        : init_socket_(std::move(init_socket)), notify_socket_(std::move(notify_socket)) {}

    Result<void> notify(const std::string& state) const;  // "READY=1\nSTATUS=…"
    // A parked descriptor outlives its owner. A name parked twice keeps the later one.
    Result<void> park(const std::string& name, FdRef fd) const;
    Result<void> forget(const std::string& name_prefix) const;
    Result<std::vector<StoredFd>> parked(const std::string& name_prefix) const;  // duplicates; they stay parked
    Result<std::vector<std::string>> parked_names(const std::string& name_prefix) const;
    // How an orphan that PID 1 reaped ended; nothing when it never saw it.
    Result<std::optional<sys::ExitStatus>> exit_of(const sys::ProcessId& process) const;
    Result<void> mark(const std::string& name) const;  // a point on the boot timeline
    Result<Json> timeline() const;                     // [{"name","at_us"}], microseconds since kernel start
    Result<Json> status() const;
    Result<void> power(Power how) const;

private:
    Result<Json> call(const Json& request, const std::vector<FdRef>& fds, std::vector<Fd>* received) const;
    std::string init_socket_, notify_socket_;
};

}  // namespace diatom::proc
