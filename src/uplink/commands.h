// Commands of the configuration, one after the other, beside everything else: one that hangs holds up the others, never
// the network. What they print goes to the service's log. Thread side: the event loop's.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "proc/event_loop.h"
#include "proc/spawn.h"

namespace diatom::uplink {

class Commands {
public:
    explicit Commands(proc::EventLoop& loop) : loop_(loop) {}
    ~Commands() { loop_.remove(watch_); }
    Commands(const Commands&) = delete;
    Commands& operator=(const Commands&) = delete;

    // `why` names them in the log.
    void add(std::vector<std::string> words, std::vector<std::string> environment, std::string why);

private:
    struct Command {
        std::vector<std::string> words, environment;
        std::string why;
    };
    void next();
    void ended();

    proc::EventLoop& loop_;
    std::deque<Command> waiting_;
    proc::Child child_;
    proc::EventLoop::Watch watch_ = proc::EventLoop::Watch::none;
};

// The program of an argument vector, found along PATH as a shell finds it.
proc::SpawnRequest command_request(std::vector<std::string> words, std::vector<std::string> environment);

}  // namespace diatom::uplink
