// dhcpcd as a child of the service: it runs while somebody is to be asked, and is started anew with what is to be asked
// now; the addresses that it took stay meanwhile (its option "persistent"). Thread side: the event loop's.
#pragma once

#include <string>

#include "proc/event_loop.h"
#include "proc/spawn.h"

namespace diatom::uplink {

class Client {
public:
    // `file`: where its configuration is written.
    Client(proc::EventLoop& loop, std::string program, std::string file)
        : loop_(loop), program_(std::move(program)), file_(std::move(file)) {}
    ~Client() { stop(); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    Result<void> create();
    bool has(const std::string& configuration) const { return configuration_ == configuration; }
    // Waits for its end: what it does while it ends must not meet what is done next.
    void stop();
    void start(std::string configuration);  // empty: nothing is to be asked

private:
    void spawn();
    void ended();

    proc::EventLoop& loop_;
    std::string program_, file_, configuration_;
    proc::Child child_;
    proc::EventLoop::Watch watch_ = proc::EventLoop::Watch::none, again_ = proc::EventLoop::Watch::none;
};

}  // namespace diatom::uplink
