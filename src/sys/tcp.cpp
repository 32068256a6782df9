#include "sys/tcp.h"

#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>

#include "sys/retry.h"

namespace diatom::sys {

Result<Fd> connect_tcp(const std::string& host, const std::string& port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0) {
        return fail(Kind::unavailable, "{} has no address: {}", host, ::gai_strerror(error));
    }
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
    int error = 0;
    for (const auto* address = found; address != nullptr; address = address->ai_next) {
        Fd socket(::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (!socket) {
            error = errno;
            continue;
        }
        if (::connect(socket.raw(), address->ai_addr, address->ai_addrlen) == 0) return socket;
        error = errno;
    }
    return fail_errno(error, "connect to {} port {}", host, port);
}

Result<void> send_all(FdRef socket, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent =
            retry_interrupted([&] { return ::send(socket.raw(), bytes.data(), bytes.size(), MSG_NOSIGNAL); });
        if (sent < 0) return fail_errno(errno, "send");
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return {};
}

Result<void> shut_down_sending(FdRef socket) {
    if (::shutdown(socket.raw(), SHUT_WR) != 0) return fail_errno(errno, "end a connection's sending side");
    return {};
}

}  // namespace diatom::sys
