// PID 1's side of the fd store, on sockets of a test's own: an engine that is dropped finds its streams again.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "base/json.h"
#include "base/strings.h"
#include "proc/supervisor.h"
#include "sys/socket.h"

namespace diatom::engine::testing {

class FakeInit {
public:
    explicit FakeInit(const std::string& directory)
        : init_path_(directory + "/init.sock"),
          notify_path_(directory + "/notify.sock"),
          init_(sys::listen_unix(init_path_, sys::SocketType::packet, 0600).value()),
          notify_(sys::listen_unix(notify_path_, sys::SocketType::datagram, 0600).value()) {
        (void)sys::set_receive_timeout(notify_, 20);
        (void)sys::set_receive_timeout(init_, 20);
        notices_ = std::thread([this] { take_notices(); });
        requests_ = std::thread([this] { answer_requests(); });
    }
    ~FakeInit() {
        ending_ = true;
        notices_.join();
        requests_.join();
    }
    proc::Supervisor supervisor() const { return proc::Supervisor(init_path_, notify_path_); }
    // Called in the fake's thread before what begins so is forgotten, while the engine waits for it.
    void watch_forgets(std::function<void(const std::string& prefix)> watcher) {
        const std::lock_guard guard(mutex_);
        forgets_ = std::move(watcher);
    }
    std::size_t parked() {  // of containers
        const std::lock_guard guard(mutex_);
        const auto of_container = [](const auto& entry) { return !entry.first.starts_with("log/"); };
        return static_cast<std::size_t>(std::ranges::count_if(store_, of_container));
    }

private:
    void take_notices() {
        while (!ending_) {
            auto message = sys::receive_message(notify_);
            if (!message || message->fds.empty()) continue;
            for (const auto line : split(message->bytes, '\n')) {
                if (!line.starts_with("FDNAME=")) continue;
                const std::lock_guard guard(mutex_);
                store_[std::string(line.substr(7))] = std::move(message->fds.front());
            }
        }
    }
    void answer_requests() {
        while (!ending_) {
            auto client = sys::accept_unix(init_);
            if (!client) continue;
            auto message = sys::receive_message(*client);
            if (!message) continue;
            const auto request = parse_json(message->bytes, "request").value_or(Json());
            const std::lock_guard guard(mutex_);
            const auto op = json_string(request, "op").value_or("");
            const auto prefix = json_string(request, "prefix").value_or("");
            Json reply{{"ok", true}};
            std::vector<FdRef> fds;
            if (op == "forget") {
                if (forgets_) forgets_(prefix);
                std::erase_if(store_, [&](const auto& entry) { return entry.first.starts_with(prefix); });
            }
            if (op == "parked") {
                reply["names"] = Json::array();
                for (const auto& [name, fd] : store_) {
                    if (!name.starts_with(prefix)) continue;
                    reply["names"].push_back(name);
                    if (!json_bool(request, "names_only").value_or(false)) fds.push_back(fd);
                }
            }
            (void)sys::send_message(*client, dump_json(reply), fds);
        }
    }
    std::string init_path_, notify_path_;
    Fd init_, notify_;
    std::map<std::string, Fd> store_;
    std::function<void(const std::string&)> forgets_;
    std::mutex mutex_;
    std::atomic<bool> ending_ = false;
    std::thread notices_, requests_;
};

}  // namespace diatom::engine::testing
