// PID 1's control socket: one JSON request a packet, one reply each, as proc/supervisor.h describes. Thread side: PID
// 1's loop. Whatever arrives, PID 1 stays: a packet that is no request gets an error reply, a client that does not read
// its reply, or that is one too many, is dropped.
//
//   {"op":"status"}                            -> {"ok":true,…}
//   {"op":"timeline"}                          -> {"ok":true,"marks":[{"name","at_us"}]}
//   {"op":"mark","name":N}
//   {"op":"exit_of","pid":P,"start_time":T}    -> {"ok":true,"exit":{"code","signal","core_dumped"}} or "exit":null
//   {"op":"parked","prefix":P,"after":NAME}    -> {"ok":true,"names":[…],"more":bool}, one descriptor each, in that
//   order; with "names_only":true the names alone
//   {"op":"forget","prefix":P}
//   {"op":"power","how":"off|reboot|halt|kexec"}
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "init/fd_store.h"
#include "init/ledger.h"
#include "init/timeline.h"
#include "proc/event_loop.h"
#include "proc/supervisor.h"

namespace diatom::init {

// What requests act on.
struct Machine {
    ExitLedger ledger;
    FdStore fds;
    Timeline timeline;
    std::function<Json()> status = [] { return Json::object(); };
    std::function<void(proc::Power)> power = [](proc::Power) {};
    // Takes what waits: descriptors on the notification socket, which a dying engine parked for its successor, and
    // children that have ended, whose exits the successor asks for.
    std::function<void()> settle = [] {};
};

struct Reply {
    Json body;
    std::vector<FdRef> fds;
};

// Never fails: a bad request gives {"ok":false,…}.
Reply answer(std::string_view packet, Machine& machine);

class ControlServer {
public:
    static constexpr std::size_t kMaxClients = 64;
    // Accepts on `listener` (SOCK_SEQPACKET, listening). Only root may speak, and whoever `uid` names (for tests).
    static Result<std::unique_ptr<ControlServer>> create(proc::EventLoop& loop, Fd listener, Machine& machine,
                                                         int uid = 0);
    ~ControlServer();

private:
    ControlServer(proc::EventLoop& loop, Fd listener, Machine& machine, int uid)
        : loop_(loop), listener_(std::move(listener)), machine_(machine), uid_(uid) {}
    struct Client {
        Fd socket;
        proc::EventLoop::Watch watch = proc::EventLoop::Watch::none;
    };
    void accept_one();
    Result<void> serve(int id);
    void drop(int id);

    proc::EventLoop& loop_;
    Fd listener_;
    proc::EventLoop::Watch watch_ = proc::EventLoop::Watch::none;
    Machine& machine_;
    int uid_;
    int last_id_ = 0;
    std::map<int, Client> clients_;
};

}  // namespace diatom::init
