// The end of the machine, in order and in bounded time. Thread side: PID 1's loop.
//
//   engine: told to stop every container (the user engine first, it is one of them)     at most kEngineSeconds
//   rest:   every process gets SIGTERM, then after kGraceSeconds SIGKILL by cgroup and by pid
//   state:  random seed, sync, unmount (or read-only), sync
//   kernel: reboot(2)
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/error.h"
#include "proc/event_loop.h"
#include "proc/supervisor.h"

namespace diatom::init {

// What shutdown does to the machine; tests give fakes.
struct ShutdownActions {
    std::function<void()> stop_engine;    // begins; engine_stopped() is called at its end
    std::function<bool()> anything_runs;  // besides PID 1
    std::function<void(int signal)> signal_all;
    std::function<void()> kill_cgroups;
    std::function<void()> close_state;     // sync and unmount
    std::function<void(proc::Power)> end;  // reboot(2); on a real machine it does not return
    std::int64_t engine_ns = 45'000'000'000, grace_ns = 2'000'000'000, step_ns = 20'000'000;
};

class Shutdown {
public:
    enum class Stage : std::uint8_t { none, engine, rest, done };
    static Result<std::unique_ptr<Shutdown>> create(proc::EventLoop& loop, ShutdownActions actions);
    ~Shutdown() { loop_.remove(timer_); }

    // The first call counts, but a later reboot replaces a power-off that has not reached the kernel yet, and so on.
    void begin(proc::Power how, std::string_view why);
    void engine_stopped();
    Stage stage() const noexcept { return stage_; }

private:
    Shutdown(proc::EventLoop& loop, ShutdownActions actions) : loop_(loop), actions_(std::move(actions)) {}
    void tick();
    void stop_rest();
    void finish();

    proc::EventLoop& loop_;
    ShutdownActions actions_;
    proc::EventLoop::Watch timer_ = proc::EventLoop::Watch::none;
    Stage stage_ = Stage::none;
    proc::Power how_ = proc::Power::off;
    std::int64_t deadline_ns_ = 0;
};

// The real actions for everything but the engine.
ShutdownActions real_shutdown_actions();

}  // namespace diatom::init
