// The hardware watchdog and the power button. Thread side: PID 1's loop. Machines without them are fine.
// Source: Documentation/watchdog/watchdog-api.rst and Documentation/input/event-codes.rst of Linux 6.12.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "proc/event_loop.h"

namespace diatom::init {

// Resets the machine when PID 1 stops feeding it. Stays armed through shutdown, so that a hanging one ends too.
class Watchdog {
public:
    static Result<std::unique_ptr<Watchdog>> create(proc::EventLoop& loop, unsigned timeout_s,
                                                    const std::string& device = "/dev/watchdog");
    ~Watchdog() { loop_.remove(watch_); }
    void feed() noexcept;

private:
    Watchdog(proc::EventLoop& loop, Fd device) : loop_(loop), device_(std::move(device)) {}
    proc::EventLoop& loop_;
    Fd device_;
    proc::EventLoop::Watch watch_ = proc::EventLoop::Watch::none;
};

class PowerButtons {
public:
    PowerButtons(proc::EventLoop& loop, std::function<void()> pressed) : loop_(loop), pressed_(std::move(pressed)) {}
    ~PowerButtons();
    // Opens every input device with a power key that is not open yet; gives how many are.
    std::size_t scan(const std::string& sys_class_input = "/sys/class/input",
                     const std::string& dev_input = "/dev/input");

private:
    struct Button {
        std::string name;
        Fd device;
        proc::EventLoop::Watch watch = proc::EventLoop::Watch::none;
    };
    void read(const std::string& name);
    proc::EventLoop& loop_;
    std::function<void()> pressed_;
    std::vector<Button> buttons_;
};

// Whether a "capabilities/key" line of sysfs (64-bit words in hex, highest first) has the key.
bool has_key(std::string_view capabilities, unsigned key);

}  // namespace diatom::init
