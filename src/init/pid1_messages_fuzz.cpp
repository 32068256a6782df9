// Packets on the sockets of PID 1: each is answered or ignored, and what PID 1 holds stays bounded. An input is packets
// divided by zero bytes; the first byte of each says for which socket it is: n (notify) or any other (control).
#include <fcntl.h>

#include <cstdint>
#include <string_view>

#include "base/strings.h"
#include "init/control.h"
#include "init/notify.h"
#include "sys/file.h"

namespace {

using namespace diatom;
using namespace diatom::init;

constexpr std::size_t kCapacity = 8;

void check(bool holds) {
    if (!holds) __builtin_trap();
}

void notify(std::string_view packet, Machine& machine) {
    const auto notification = parse_notification(packet);
    check(notification.status.find('\n') == std::string::npos && notification.status.size() <= 256);
    auto fd = sys::open_path("/dev/null", O_RDONLY);
    check(fd.has_value());
    if (notification.store_fds && machine.fds.park(notification.fd_name, std::move(*fd))) {
        check(machine.fds.list(notification.fd_name, "", 1).size() == 1);
    }
    if (notification.remove_fds) {
        machine.fds.forget(notification.fd_name);
        check(machine.fds.list(notification.fd_name, "", 1).empty());
    }
    check(machine.fds.size() <= kCapacity);
}

void ask(std::string_view packet, Machine& machine) {
    const auto reply = answer(packet, machine);
    const auto again = parse_json(dump_json(reply.body), "reply");
    check(again && again->is_object());
    const auto ok = json_bool(*again, "ok");
    check(ok && (*ok || !json_string(*again, "error").value_or("").empty()));
    check(reply.fds.size() <= kCapacity);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Machine machine{.ledger = ExitLedger(4), .fds = FdStore(kCapacity)};
    machine.ledger.record({.pid = 7, .start_time = 8}, {.code = 3});
    for (const auto packet : split({reinterpret_cast<const char*>(data), size}, '\0')) {
        if (packet.starts_with('n')) notify(packet.substr(1), machine);
        else if (!packet.empty()) ask(packet.substr(1), machine);
    }
    return 0;
}
