// For the tests of this folder: a network namespace of its own as "the host" for each test, containers as further
// namespaces, a machine outside, and real connections between them. Needs root (skips otherwise).
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "net/linux_network.h"

namespace diatom::net::testing {

Address ip(const char* text);

// How a connection looked at its server.
struct Seen {
    Address client;
};

// long_enough for what must happen, brief for what must not.
enum class Patience : std::uint8_t { long_enough, brief };

// A socket that waits for connections or datagrams.
struct Server {
    Fd socket;
    Protocol protocol = Protocol::tcp;
};

class HostTest : public ::testing::Test {
protected:
    void SetUp() override;
    void TearDown() override;

    // Nothing is "the host".
    using Where = const Fd*;
    static constexpr Where kHost = nullptr;

    Where make_namespace();
    // A machine at 192.0.2.2 and 2001:db8::2 whose default routes go by this host (192.0.2.1, 2001:db8::1).
    Where make_outside();
    // Runs in the namespace and expects success.
    void in(Where where, const std::function<Result<void>()>& work);
    std::string run(const std::string& command, Where where = kHost);

    LinuxNetwork& network();
    // A bridge 172.17.0.1/16, fd17::1/64 and containers at .2, .3, … on it.
    static BridgeSpec bridge_spec(const std::string& name = "docker0", unsigned second = 17);
    struct Container {
        std::string id;
        Where where = nullptr;
        Address four, six;
    };
    Container make_container(const BridgeSpec& bridge, unsigned last, const std::string& interface = "eth0");

    Server serve(Where where, std::uint16_t port, Protocol protocol = Protocol::tcp);
    // Connects, sends, echoes, receives. Tells the server's view, or why not: timed_out when packets are dropped (after
    // a short wait when `expect_drop`), unavailable when refused.
    Result<Seen> talk(Where client, const Address& to, std::uint16_t port, Server& server);
    // The same datagram client all along: its source port stays, and so does what the kernel remembers of it.
    struct Client {
        Fd socket;
    };
    Client make_client(Where where, const Address& to, std::uint16_t port);
    static Result<Seen> talk_again(Client& client, Server& server, Patience patience = Patience::long_enough);
    Result<Seen> talk_dropped(Where client, const Address& to, std::uint16_t port, Server& server);

private:
    Result<Seen> talk_within(Where client, const Address& to, std::uint16_t port, Server& server, int wait_ms);
    std::vector<std::unique_ptr<Fd>> namespaces_;
    std::unique_ptr<LinuxNetwork> network_;
    std::size_t open_fds_ = 0;
};

}  // namespace diatom::net::testing
