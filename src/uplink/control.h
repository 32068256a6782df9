// The socket by which the service is told and asked: {"op": "reload"}, {"op": "confirm"}, one answer each. Root only.
// Thread side: the event loop's.
#pragma once

#include <functional>
#include <string>

#include "base/json.h"
#include "proc/event_loop.h"

namespace diatom::uplink {

class Control {
public:
    using Answer = std::function<Json(std::string_view op)>;
    Control(proc::EventLoop& loop, Answer answer) : loop_(loop), answer_(std::move(answer)) {}
    ~Control() { loop_.remove(watch_); }
    Control(const Control&) = delete;
    Control& operator=(const Control&) = delete;

    Result<void> open(const std::string& path);

private:
    void accept();
    proc::EventLoop& loop_;
    Answer answer_;
    Fd listener_;
    proc::EventLoop::Watch watch_ = proc::EventLoop::Watch::none;
};

}  // namespace diatom::uplink
