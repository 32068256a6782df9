#include "sys/tcp.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <thread>

#include "sys/file.h"
#include "sys/socket.h"

namespace diatom::sys {
namespace {

struct Listener {
    Fd socket;
    std::string port;
};

Listener listen_loopback() {
    Listener made{Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), ""};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(made.socket.raw(), reinterpret_cast<const sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(made.socket.raw(), 1), 0);
    EXPECT_EQ(::getsockname(made.socket.raw(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    made.port = std::to_string(ntohs(address.sin_port));
    return made;
}

TEST(Tcp, SendsAllAndReadsAfterItsOwnEnd) {
    const auto listener = listen_loopback();
    std::thread echo([&] {
        const Fd peer(::accept4(listener.socket.raw(), nullptr, nullptr, SOCK_CLOEXEC));
        EXPECT_TRUE(send_all(peer, read_all(peer, 16U << 20U).value()));
    });
    const auto client = connect_tcp("127.0.0.1", listener.port).value();
    const std::string text(1U << 20U, 'x');
    EXPECT_TRUE(send_all(client, text));
    EXPECT_TRUE(shut_down_sending(client));
    EXPECT_EQ(read_all(client, 16U << 20U).value(), text);
    echo.join();
}

TEST(Tcp, NobodyListens) {
    auto listener = listen_loopback();
    const Fd kept = std::move(listener.socket);
    ASSERT_EQ(::shutdown(kept.raw(), SHUT_RDWR), 0);  // the port stays taken
    const auto refused = connect_tcp("127.0.0.1", listener.port);
    EXPECT_EQ(refused.error().error_number(), ECONNREFUSED);
}

TEST(Tcp, UnknownService) { EXPECT_EQ(connect_tcp("127.0.0.1", "no-such-service").error().kind(), Kind::unavailable); }

TEST(Tcp, PeerThatIsGoneIsAnErrorAndNoSignal) {
    auto [a, b] = socket_pair(SocketType::stream).value();
    b.reset();
    EXPECT_EQ(send_all(a, "x").error().error_number(), EPIPE);
}

}  // namespace
}  // namespace diatom::sys
