#include "net/reservation.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "net/fixture.h"

namespace diatom::net::testing {
namespace {

class Reservation : public HostTest {
protected:
    static PortMapping mapping(std::uint16_t port, Protocol protocol = Protocol::tcp, const Address& host = {}) {
        return {.protocol = protocol, .host = host, .host_port = port, .container_port = 80};
    }
    // Another program: with SO_REUSEADDR, as servers do.
    static int bind_other(int type, std::uint16_t port) {
        const Fd other(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
        const int on = 1;
        ::setsockopt(other.raw(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        sockaddr_in name{};
        name.sin_family = AF_INET;
        name.sin_port = htons(port);
        return ::bind(other.raw(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0 ? 0 : errno;
    }
};

TEST_F(Reservation, KeepsThePortFromOthersUntilItIsDropped) {
    for (const auto protocol : {Protocol::tcp, Protocol::udp}) {
        const int type = protocol == Protocol::tcp ? SOCK_STREAM : SOCK_DGRAM;
        {
            const auto port = network().reserve(mapping(8080, protocol));
            ASSERT_TRUE(port) << port.error().what();
            EXPECT_TRUE(port->reservation);
            EXPECT_TRUE(port->reservation6);
            EXPECT_EQ(bind_other(type, 8080), EADDRINUSE);
            EXPECT_EQ(bind_other(type, 8081), 0);
        }
        EXPECT_EQ(bind_other(type, 8080), 0);
    }
}

TEST_F(Reservation, SaysAsDockerDoesThatAPortIsTaken) {
    const auto port = network().reserve(mapping(8080));
    for (const char* host : {"", "127.0.0.1"}) {
        const auto again = network().reserve(mapping(8080, Protocol::tcp, *host == 0 ? Address() : ip(host)));
        ASSERT_FALSE(again);
        EXPECT_EQ(again.error().kind(), Kind::conflict);
        EXPECT_EQ(again.error().what(),
                  std::format("Bind for {}:8080 failed: port is already allocated", *host == 0 ? "0.0.0.0" : host));
    }
    const auto six = network().reserve(mapping(8080, Protocol::tcp, ip("::1")));
    EXPECT_EQ(six.error().what(), "Bind for [::1]:8080 failed: port is already allocated");
    EXPECT_TRUE(network().reserve(mapping(8080, Protocol::udp)));
}

TEST_F(Reservation, OfOneAddressLeavesTheOthers) {
    const auto one = network().reserve(mapping(8080, Protocol::tcp, ip("127.0.0.1")));
    const auto two = network().reserve(mapping(8080, Protocol::tcp, ip("127.0.0.2")));
    const auto six = network().reserve(mapping(8080, Protocol::tcp, ip("::1")));
    EXPECT_TRUE(one && two && six);
    EXPECT_FALSE(one->reservation6);
    EXPECT_FALSE(six->reservation);
    const auto foreign = network().reserve(mapping(8080, Protocol::tcp, ip("203.0.113.7")));
    ASSERT_FALSE(foreign);
    EXPECT_NE(foreign.error().what().find("no such address"), std::string::npos);
}

TEST_F(Reservation, PicksFreePortsInTurnAndTellsWhenThereAreNone) {
    run("echo 40000 40003 > /proc/sys/net/ipv4/ip_local_port_range");
    std::vector<PublishedPort> held;
    const auto fixed = network().reserve(mapping(40001));
    for (const std::uint16_t expected : {40000, 40002, 40003}) {
        auto port = network().reserve(mapping(0));
        ASSERT_TRUE(port) << port.error().what();
        EXPECT_EQ(port->mapping.host_port, expected);
        EXPECT_EQ(port->mapping.container_port, 80);
        held.push_back(*std::move(port));
    }
    EXPECT_EQ(network().reserve(mapping(0)).error().kind(), Kind::exhausted);
    held.erase(held.begin());
    EXPECT_EQ(network().reserve(mapping(0))->mapping.host_port, 40000);
    EXPECT_FALSE(network().reserve({.host_port = 1}));
}

TEST_F(Reservation, AConnectionThatNoRuleTranslatesIsRefused) {
    const auto port = network().reserve(mapping(8080));
    Server nobody;
    const auto result = talk(kHost, ip("::1"), 8080, nobody);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().error_number(), ECONNREFUSED);
}

TEST_F(Reservation, APortOfSctpNeedsNoSocketWhereTheKernelHasNoSctp) {
    const auto port = network().reserve(mapping(8080, Protocol::sctp));
    EXPECT_TRUE(port) << port.error().what();
}

}  // namespace
}  // namespace diatom::net::testing
