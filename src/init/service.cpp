#include "init/service.h"

#include <signal.h>

#include <algorithm>

#include "sys/clock.h"
#include "sys/log.h"

namespace diatom::init {

Result<std::unique_ptr<Service>> Service::create(proc::EventLoop& loop, Options options) {
    std::unique_ptr<Service> service(new Service(loop, std::move(options)));
    auto* self = service.get();
    service->restart_timer_ = TRY(loop.add_timer(0, 0, [self] {
        if (self->state_ == State::waiting) self->start();
    }));
    service->watchdog_timer_ = TRY(loop.add_timer(0, 0, [self] {
        if (self->state_ != State::running) return;
        log::error("no sign of life: it is killed and started anew", {{"service", self->options_.name}});
        std::ignore = sys::send_signal(self->child_.pidfd, SIGKILL);
    }));
    return service;
}

Service::~Service() {
    loop_.remove(restart_timer_);
    loop_.remove(watchdog_timer_);
}

void Service::start() {
    if (state_ == State::running || state_ == State::stopping) return;
    auto child = options_.spawn();
    if (!child) {
        log::error("cannot start", {{"service", options_.name}, {"error", child.error().what()}});
        wait_and_restart();
        return;
    }
    child_ = std::move(*child);
    state_ = State::running;
    started_ns_ = sys::boot_ns();
    log::info("started", {{"service", options_.name}, {"pid", child_.pid}});
}

void Service::wait_and_restart() {
    state_ = State::waiting;
    back_off_ns_ = std::clamp(back_off_ns_ * 2, options_.first_back_off_ns, options_.max_back_off_ns);
    ++restarts_;
    if (!loop_.set_timer(restart_timer_, back_off_ns_)) start();
}

void Service::stop(int signal) {
    if (state_ == State::running) {
        state_ = State::stopping;
        if (sys::send_signal(child_.pidfd, signal)) return;
    }
    if (state_ == State::stopping) return;
    state_ = State::stopped;
    options_.stopped();
}

bool Service::ended(const sys::ProcessId& process, const sys::ExitStatus& status) {
    if (child_.pid == 0 || process.pid != child_.pid) return false;
    child_ = {};
    ready_ = false;
    std::ignore = loop_.set_timer(watchdog_timer_, 0);
    if (state_ == State::stopping) {
        state_ = State::stopped;
        options_.stopped();
        return true;
    }
    log::error("ended and is started anew",
               {{"service", options_.name}, {"code", status.shell_code()}, {"restarts", restarts_}});
    if (sys::boot_ns() - started_ns_ >= options_.settled_ns) back_off_ns_ = 0;
    wait_and_restart();
    return true;
}

void Service::notified(pid_t sender, const Notification& notification) {
    if (sender != child_.pid || child_.pid == 0) return;
    if (!notification.status.empty()) status_ = notification.status;
    if (notification.watchdog) std::ignore = loop_.set_timer(watchdog_timer_, options_.watchdog_ns);
    if (notification.ready && !ready_) {
        ready_ = true;
        options_.ready();
    }
}

}  // namespace diatom::init
