#include "uplink/client.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "sys/file.h"
#include "sys/log.h"
#include "sys/retry.h"

namespace diatom::uplink {
namespace {

constexpr std::int64_t kPauseNs = 1'000'000'000;  // between one that ended by itself and the next
constexpr int kPatienceMs = 5000;                 // of one that is told to end

}  // namespace

Result<void> Client::create() {
    again_ = TRY(loop_.add_timer(0, 0, [this] { spawn(); }));
    return {};
}

void Client::start(std::string configuration) {
    configuration_ = std::move(configuration);
    if (!configuration_.empty()) spawn();
}

void Client::spawn() {
    if (configuration_.empty() || child_.pidfd) return;
    proc::SpawnRequest request;
    request.path = program_;
    request.argv = {"dhcpcd", "--nobackground", "--config", file_};
    request.env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
    request.fds = {{FdRef(STDOUT_FILENO), STDOUT_FILENO}, {FdRef(STDERR_FILENO), STDERR_FILENO}};
    const auto run = [&]() -> Result<void> {
        TRY(sys::replace_file(file_, configuration_));
        child_ = TRY(proc::spawn(request));
        watch_ = TRY(loop_.add(child_.pidfd, EPOLLIN, [this](std::uint32_t) { ended(); }));
        return {};
    };
    if (auto ran = run(); !ran) {
        log::error("dhcpcd", ran.error());
        std::ignore = loop_.set_timer(again_, kPauseNs);
    }
}

void Client::ended() {
    loop_.remove(watch_);
    watch_ = proc::EventLoop::Watch::none;
    const auto status = sys::reap(child_.pidfd);
    child_ = {};
    log::warning("dhcpcd ended, and is started again", {{"code", status && *status ? (*status)->shell_code() : -1}});
    std::ignore = loop_.set_timer(again_, kPauseNs);
}

void Client::stop() {
    configuration_.clear();
    loop_.remove(watch_);
    watch_ = proc::EventLoop::Watch::none;
    if (!child_.pidfd) return;
    std::ignore = sys::send_signal(child_.pidfd, SIGTERM);
    pollfd wait{.fd = child_.pidfd.raw(), .events = POLLIN, .revents = 0};
    if (sys::retry_interrupted([&] { return ::poll(&wait, 1, kPatienceMs); }) == 0)
        std::ignore = sys::send_signal(child_.pidfd, SIGKILL);
    std::ignore = sys::wait_exit(child_.pidfd);
    child_ = {};
}

}  // namespace diatom::uplink
