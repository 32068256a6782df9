#include "uplink/control.h"

#include "sys/log.h"
#include "sys/socket.h"

namespace diatom::uplink {
namespace {

constexpr int kPatienceMs = 1000;  // of who connects and says nothing

}  // namespace

Result<void> Control::open(const std::string& path) {
    listener_ = TRY(sys::listen_unix(path, sys::SocketType::packet, 0600));
    TRY(sys::set_nonblocking(listener_));
    watch_ = TRY(loop_.add(listener_, EPOLLIN, [this](std::uint32_t) { accept(); }));
    return {};
}

void Control::accept() {
    const auto serve = [&]() -> Result<void> {
        const auto peer = TRY(sys::accept_unix(listener_));
        TRY(sys::set_receive_timeout(peer, kPatienceMs));
        const auto message = TRY(sys::receive_message(peer));
        const auto request = TRY(parse_json(message.bytes, "request"));
        return sys::send_message(peer, dump_json(answer_(TRY(json_string(request, "op")))));
    };
    if (auto served = serve(); !served) log::debug("control", {{"error", served.error().what()}});
}

}  // namespace diatom::uplink
