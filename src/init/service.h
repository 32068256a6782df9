// One program that PID 1 keeps running: the system engine. Thread side: PID 1's loop.
//
//   stopped ──start──> running ──exit──> waiting (100 ms doubling to 30 s; reset by ten seconds of running) ──> running
//                        └─ stop ──> stopping ──exit──> stopped
//
// A program that once sent WATCHDOG=1 must send it again within a minute, else it is killed and started anew.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "init/notify.h"
#include "proc/event_loop.h"
#include "proc/spawn.h"

namespace diatom::init {

class Service {
public:
    enum class State : std::uint8_t { stopped, running, waiting, stopping };
    struct Options {
        std::string name;
        std::function<Result<proc::Child>()> spawn;
        std::function<void()> ready = [] {};
        std::function<void()> stopped = [] {};
        std::int64_t first_back_off_ns = 100'000'000, max_back_off_ns = 30'000'000'000, watchdog_ns = 60'000'000'000;
        std::int64_t settled_ns =
            10'000'000'000;  // ran this long: the next failure starts with the first back-off again
    };

    static Result<std::unique_ptr<Service>> create(proc::EventLoop& loop, Options options);
    ~Service();

    void start();
    // Sends `signal` and waits for the end; calls options.stopped at once when nothing runs.
    void stop(int signal);
    // From the reaper; false when the process is another.
    bool ended(const sys::ProcessId& process, const sys::ExitStatus& status);
    void notified(pid_t sender, const Notification& notification);

    State state() const noexcept { return state_; }
    pid_t pid() const noexcept { return child_.pid; }
    bool ready() const noexcept { return ready_; }
    unsigned restarts() const noexcept { return restarts_; }
    const std::string& status() const noexcept { return status_; }

private:
    Service(proc::EventLoop& loop, Options options) : loop_(loop), options_(std::move(options)) {}
    void wait_and_restart();

    proc::EventLoop& loop_;
    Options options_;
    State state_ = State::stopped;
    proc::Child child_;
    proc::EventLoop::Watch restart_timer_ = proc::EventLoop::Watch::none,
                           watchdog_timer_ = proc::EventLoop::Watch::none;
    std::int64_t back_off_ns_ = 0, started_ns_ = 0;
    unsigned restarts_ = 0;
    bool ready_ = false;
    std::string status_;
};

}  // namespace diatom::init
