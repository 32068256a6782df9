#include "init/notify_server.h"

#include <sys/socket.h>

#include <cerrno>

#include "sys/log.h"
#include "sys/socket.h"

namespace diatom::init {
namespace {
constexpr int kMaxBatch = 1024;
}

Result<std::unique_ptr<NotifyServer>> NotifyServer::create(proc::EventLoop& loop, Fd socket, FdStore& store,
                                                           Received received, int uid) {
    const int on = 1;
    if (::setsockopt(socket.raw(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0)
        return fail_errno(errno, "ask for credentials");
    TRY(sys::set_nonblocking(socket));
    std::unique_ptr<NotifyServer> server(new NotifyServer(loop, std::move(socket), store, std::move(received), uid));
    auto* self = server.get();
    server->watch_ = TRY(loop.add(self->socket_, EPOLLIN, [self](std::uint32_t) { self->take_one(); }));
    return server;
}

void NotifyServer::drain() {
    for (int i = 0; i < kMaxBatch && take_one(); ++i) {}
}

bool NotifyServer::take_one() {
    auto message = sys::receive_message(socket_);
    if (!message) return message.error().kind() != Kind::unavailable;
    if (message->sender_uid != 0 && message->sender_uid != uid_) return true;
    const auto notification = parse_notification(message->bytes);
    if (notification.store_fds) {
        for (auto& fd : message->fds) {
            if (auto parked = store_.park(notification.fd_name, std::move(fd)); !parked) {
                log::warning("a descriptor was not parked",
                             {{"name", notification.fd_name}, {"error", parked.error().what()}});
            }
        }
    }
    if (notification.remove_fds) store_.forget(notification.fd_name);
    received_(message->sender_pid, notification);
    return true;
}

}  // namespace diatom::init
