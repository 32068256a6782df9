#include "uplink/commands.h"

#include <unistd.h>

#include "sys/log.h"

namespace diatom::uplink {

proc::SpawnRequest command_request(std::vector<std::string> words, std::vector<std::string> environment) {
    proc::SpawnRequest request;
    request.path = words.front().contains('/') ? words.front() : "/usr/bin/env";
    if (!words.front().contains('/')) words.insert(words.begin(), "env");
    request.argv = std::move(words);
    request.env = std::move(environment);
    return request;
}

void Commands::add(std::vector<std::string> words, std::vector<std::string> environment, std::string why) {
    if (words.empty()) return;
    waiting_.push_back({std::move(words), std::move(environment), std::move(why)});
    if (watch_ == proc::EventLoop::Watch::none) next();
}

void Commands::next() {
    while (!waiting_.empty()) {
        auto& command = waiting_.front();
        auto request = command_request(command.words, command.environment);
        request.fds = {{FdRef(STDOUT_FILENO), STDOUT_FILENO}, {FdRef(STDERR_FILENO), STDERR_FILENO}};
        auto watched = proc::spawn(request).and_then([this](proc::Child child) {
            child_ = std::move(child);
            return loop_.add(child_.pidfd, EPOLLIN, [this](std::uint32_t) { ended(); });
        });
        if (watched) {
            watch_ = *watched;
            return;
        }
        log::warning("a command was not run", {{"of", command.why}, {"error", watched.error().what()}});
        waiting_.pop_front();
    }
}

void Commands::ended() {
    loop_.remove(watch_);
    watch_ = proc::EventLoop::Watch::none;
    const auto status = sys::reap(child_.pidfd);
    if (status && *status && **status != sys::ExitStatus{})
        log::warning("a command failed", {{"of", waiting_.front().why}, {"code", (*status)->shell_code()}});
    waiting_.pop_front();
    next();
}

}  // namespace diatom::uplink
