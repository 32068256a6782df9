// The notification socket ($NOTIFY_SOCKET) of PID 1. Thread side: PID 1's loop. Datagrams of root only; anything that
// makes no sense is ignored.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>

#include "base/error.h"
#include "init/fd_store.h"
#include "init/notify.h"
#include "proc/event_loop.h"

namespace diatom::init {

class NotifyServer {
public:
    using Received = std::function<void(pid_t sender, const Notification& notification)>;

    // `socket`: bound, SOCK_DGRAM. Descriptors go to `store` before `received` hears of the message.
    static Result<std::unique_ptr<NotifyServer>> create(proc::EventLoop& loop, Fd socket, FdStore& store,
                                                        Received received, int uid = 0);
    ~NotifyServer() { loop_.remove(watch_); }

    // Takes all that waits, a bounded number: a flood must not keep PID 1 from its other duties.
    void drain();

private:
    NotifyServer(proc::EventLoop& loop, Fd socket, FdStore& store, Received received, int uid)
        : loop_(loop), socket_(std::move(socket)), store_(store), received_(std::move(received)), uid_(uid) {}
    bool take_one();

    proc::EventLoop& loop_;
    Fd socket_;
    FdStore& store_;
    Received received_;
    int uid_;
    proc::EventLoop::Watch watch_ = proc::EventLoop::Watch::none;
};

}  // namespace diatom::init
