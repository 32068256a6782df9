#include "init/notify.h"

#include "base/strings.h"

namespace diatom::init {
namespace {
constexpr std::size_t kMaxStatus = 256;
}

Notification parse_notification(std::string_view text) {
    Notification n;
    for (const auto line : split(text, '\n')) {
        const auto pair = cut(line, '=');
        if (!pair) continue;
        const auto [key, value] = *pair;
        if (key == "READY") n.ready = value == "1";
        else if (key == "STOPPING") n.stopping = value == "1";
        else if (key == "WATCHDOG") n.watchdog = value == "1";
        else if (key == "FDSTORE") n.store_fds = value == "1";
        else if (key == "FDSTOREREMOVE") n.remove_fds = value == "1";
        else if (key == "FDNAME") n.fd_name = value;
        else if (key == "STATUS") n.status = value.substr(0, kMaxStatus);
    }
    return n;
}

}  // namespace diatom::init
