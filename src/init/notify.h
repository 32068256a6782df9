// sd_notify datagrams. Thread side: any; a pure parser.
// Source: sd_notify(3) of systemd 257; the keys that mean something to PID 1, all others are ignored.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace diatom::init {

struct Notification {
    bool ready = false, stopping = false, watchdog = false;
    bool store_fds = false, remove_fds = false;
    std::string fd_name = "stored";  // systemd's default
    std::string status;              // one line for people
};

// Never fails: lines that make no sense are ignored.
Notification parse_notification(std::string_view text);

}  // namespace diatom::init
