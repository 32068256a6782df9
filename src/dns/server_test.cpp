// The server over real sockets on the loopback interface, with servers that answer, refuse and keep silent behind it.
#include "dns/server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <list>
#include <thread>

namespace diatom::dns {
namespace {

using namespace std::string_literals;
namespace asio = boost::asio;

struct Bound {
    Fd fd;
    sockaddr_in name{};
};

Bound bound(int type, std::uint8_t last = 1) {
    Bound it{.fd = Fd(::socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0))};
    it.name.sin_family = AF_INET;
    it.name.sin_addr.s_addr = htonl(0x7f000000U + last);
    socklen_t size = sizeof it.name;
    EXPECT_EQ(::bind(it.fd.raw(), reinterpret_cast<sockaddr*>(&it.name), size), 0);
    EXPECT_EQ(::getsockname(it.fd.raw(), reinterpret_cast<sockaddr*>(&it.name), &size), 0);
    if (type == SOCK_STREAM) {
        EXPECT_EQ(::listen(it.fd.raw(), 8), 0);
    }
    return it;
}

std::string query(const std::string& labels, std::uint16_t id = 7, Type type = Type::a) {
    std::string bytes = "\x00\x00\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"s + labels + "\x00\x00"s +
                        static_cast<char>(type) + "\x00\x01"s;
    set_id(bytes, id);
    return bytes;
}

Result<Fd> plain_socket(int family, int type) { return Fd(::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)); }

// Nobody waits so long for a server that does answer, however busy the machine is.
class ServerTest : public ::testing::Test {
protected:
    explicit ServerTest(std::chrono::milliseconds attempt = std::chrono::seconds(20))
        : server_(loop_.get_executor(), {.attempt = attempt, .shunned = std::chrono::hours(1)}) {}
    void SetUp() override {
        auto udp = bound(SOCK_DGRAM), tcp = bound(SOCK_STREAM);
        udp_name_ = udp.name;
        tcp_name_ = tcp.name;
        client_->upstreams = [this] { return upstreams_; };
        handle_ = server_.serve(std::move(udp.fd), std::move(tcp.fd), client_);
        auto zone = std::make_shared<Zone>();
        for (std::uint8_t i = 0; i < 60; ++i)
            zone->put("many" + std::to_string(i), {"many"}, {{.bytes = {10, 0, 0, i}}});
        zone->put("web", {"web"}, {{.bytes = {10, 0, 0, 99}}});
        client_->view.networks = {{.network = "net", .zone = zone}};
    }
    // Runs the loop until the descriptor can be read.
    bool ready(FdRef fd, int limit_ms = 20'000) {
        for (int waited = 0; waited < limit_ms; waited += 5) {
            loop_.poll();
            pollfd poll{.fd = fd.raw(), .events = POLLIN, .revents = 0};
            if (::poll(&poll, 1, 5) == 1) return true;
        }
        return false;
    }
    std::string receive(FdRef fd) {
        if (!ready(fd)) return "(nothing)";
        std::string buffer(kMaxMessage + 2, '\0');
        const auto n = ::recv(fd.raw(), buffer.data(), buffer.size(), 0);
        return buffer.substr(0, n < 0 ? 0 : static_cast<std::size_t>(n));
    }
    Fd connected(int type) {
        Fd fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
        const auto& name = type == SOCK_DGRAM ? udp_name_ : tcp_name_;
        EXPECT_EQ(::connect(fd.raw(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
        return fd;
    }
    static void say(FdRef fd, const std::string& bytes) {
        EXPECT_EQ(::send(fd.raw(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
    }
    std::string ask(const std::string& bytes) {
        const Fd fd = connected(SOCK_DGRAM);
        say(fd, bytes);
        return receive(fd);
    }
    // A server before the others are asked; by UDP.
    Bound& add_upstream() {
        const auto last = static_cast<std::uint8_t>(servers_.size() + 1);
        auto& made = servers_.emplace_back(bound(SOCK_DGRAM, last));
        const Address address{.bytes = {127, 0, 0, last}};
        upstreams_.push_back({.address = address, .socket = plain_socket, .port = ntohs(made.name.sin_port)});
        return made;
    }
    // What the server is asked, and where to.
    struct Asked {
        std::string bytes;
        sockaddr_in from{};
    };
    Asked hear(Bound& server) {
        Asked asked{.bytes = std::string(kMaxMessage, '\0')};
        EXPECT_TRUE(ready(server.fd));
        socklen_t size = sizeof asked.from;
        const auto n = ::recvfrom(server.fd.raw(), asked.bytes.data(), asked.bytes.size(), 0,
                                  reinterpret_cast<sockaddr*>(&asked.from), &size);
        asked.bytes.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
        return asked;
    }
    static void reply(Bound& server, const Asked& asked, const std::string& bytes) {
        ::sendto(server.fd.raw(), bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&asked.from),
                 sizeof asked.from);
    }
    static std::string answer_of(const Asked& asked, Code code, std::uint8_t last = 1) {
        Answer answer{.code = code};
        if (code == Code::no_error) answer.addresses = {{.bytes = {192, 0, 2, last}}};
        return encode(*parse_query(asked.bytes), answer, kMaxMessage);
    }

    asio::io_context loop_{1};
    sockaddr_in udp_name_{}, tcp_name_{};
    std::list<Bound> servers_;
    std::vector<Upstream> upstreams_;
    std::shared_ptr<Client> client_ = std::make_shared<Client>();
    Server server_;
    std::shared_ptr<void> handle_;
};
class SilentServerTest : public ServerTest {
protected:
    SilentServerTest() : ServerTest(std::chrono::seconds(1)) {}
};

TEST_F(ServerTest, OwnNamesByUdpAndTcp) {
    const auto answer = ask(query("\x03web"s));
    EXPECT_EQ(id_of(answer), 7);
    EXPECT_TRUE(answer.ends_with("\x0a\x00\x00\x63"s));
    const Fd tcp = connected(SOCK_STREAM);
    const auto asked = query("\x03web"s, 8);
    say(tcp, "\x00"s + static_cast<char>(asked.size()) + asked);
    const auto framed = receive(tcp);
    EXPECT_TRUE(framed.ends_with("\x0a\x00\x00\x63"s));
    EXPECT_EQ(framed.size(), 2U + static_cast<std::uint8_t>(framed[1]));
}

TEST_F(ServerTest, ALongAnswerIsCutByUdpAndWholeByTcp) {
    const auto cut = ask(query("\x04many"s));
    EXPECT_LE(cut.size(), kMinLimit);
    EXPECT_EQ(cut[2] & 2, 2);
    const Fd tcp = connected(SOCK_STREAM);
    const auto asked = query("\x04many"s);
    say(tcp, "\x00"s + static_cast<char>(asked.size()) + asked);
    EXPECT_EQ(receive(tcp).size(), 2U + 12 + 10 + 60 * 16);
}

TEST_F(ServerTest, ALengthByTcpBeyondAnyQueryEndsTheConnection) {
    const Fd tcp = connected(SOCK_STREAM);
    say(tcp, "\x10\x01"s);
    EXPECT_EQ(receive(tcp), "") << "closed";
}

TEST_F(ServerTest, ConnectionsBeyondTheMostWaitForTheirTurn) {
    std::list<Fd> idle;
    for (int i = 0; i < 32; ++i) {
        idle.push_back(connected(SOCK_STREAM));
        loop_.poll();
    }
    const Fd tcp = connected(SOCK_STREAM);
    const auto asked = query("\x03web"s);
    say(tcp, "\x00"s + static_cast<char>(asked.size()) + asked);
    EXPECT_FALSE(ready(tcp, 300));
    idle.clear();
    EXPECT_TRUE(receive(tcp).ends_with("\x0a\x00\x00\x63"s));
}

TEST_F(ServerTest, MalformedQueriesAreToldSoAndJunkIsIgnored) {
    auto bad = query("\x03web"s);
    bad.resize(bad.size() - 1);
    EXPECT_EQ(code_of(ask(bad)), Code::format_error);
    const Fd fd = connected(SOCK_DGRAM);
    say(fd, "junk");
    say(fd, query("\x03web"s, 9));
    EXPECT_EQ(id_of(receive(fd)), 9) << "the first thing that comes back";
}

TEST_F(ServerTest, OtherNamesAreAskedOutsideUnderAnotherNumber) {
    auto& upstream = add_upstream();
    const Fd fd = connected(SOCK_DGRAM);
    say(fd, query("\x07"
                  "example\x03org"s,
                  7));
    const auto asked = hear(upstream);
    EXPECT_EQ(asked.bytes.substr(2), query("\x07"
                                           "example\x03org"s)
                                         .substr(2))
        << "as the client wrote it";
    // Answers to something else are not taken.
    auto forged = answer_of(asked, Code::no_error, 66);
    set_id(forged, static_cast<std::uint16_t>(id_of(asked.bytes) + 1));
    reply(upstream, asked, forged);
    reply(upstream, asked, "x");
    reply(upstream, asked, answer_of(asked, Code::no_error));
    const auto answer = receive(fd);
    EXPECT_EQ(id_of(answer), 7);
    EXPECT_TRUE(answer.ends_with("\xc0\x00\x02\x01"s));
}

TEST_F(SilentServerTest, ASilentServerIsPassedOverAndAskedLastFromThenOn) {
    auto& silent = add_upstream();
    auto& second = add_upstream();
    for (int round = 0; round < 2; ++round) {
        const Fd fd = connected(SOCK_DGRAM);
        say(fd, query("\x07"
                      "example\x03org"s));
        const auto asked = hear(second);
        reply(second, asked, answer_of(asked, Code::no_error));
        EXPECT_EQ(code_of(receive(fd)), Code::no_error);
    }
    (void)hear(silent);
    pollfd poll{.fd = silent.fd.raw(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&poll, 1, 0), 0) << "asked once";
    // Silent for one container's network: others ask it as before.
    upstreams_.front().from = "another";
    const Fd fd = connected(SOCK_DGRAM);
    say(fd, query("\x07"
                  "example\x03org"s));
    const auto asked = hear(silent);
    reply(silent, asked, answer_of(asked, Code::no_such_name));
    EXPECT_EQ(code_of(receive(fd)), Code::no_such_name);
}

TEST_F(ServerTest, AServerThatFailsIsNotTheLastWord) {
    auto& failing = add_upstream();
    auto& good = add_upstream();
    const Fd fd = connected(SOCK_DGRAM);
    say(fd, query("\x07"
                  "example\x03org"s));
    const auto first = hear(failing);
    reply(failing, first, answer_of(first, Code::server_failure));
    const auto second = hear(good);
    reply(good, second, answer_of(second, Code::no_such_name));
    EXPECT_EQ(code_of(receive(fd)), Code::no_such_name);
}

TEST_F(SilentServerTest, WithoutAnAnswerItIsAServerFailure) {
    EXPECT_EQ(code_of(ask(query("\x07"
                                "example\x03org"s))),
              Code::server_failure)
        << "no server at all";
    add_upstream();
    EXPECT_EQ(code_of(ask(query("\x07"
                                "example\x03org"s))),
              Code::server_failure)
        << "a silent one";
    client_->view.leaves = false;
    EXPECT_EQ(code_of(ask(query("\x07"
                                "example\x03org"s))),
              Code::server_failure)
        << "an internal network";
    pollfd poll{.fd = servers_.front().fd.raw(), .events = POLLIN, .revents = 0};
    (void)hear(servers_.front());
    EXPECT_EQ(::poll(&poll, 1, 0), 0) << "what an internal network asks does not leave";
}

TEST_F(ServerTest, ItsSocketsAreClosedWithItsHandle) {
    const Fd tcp = connected(SOCK_STREAM);
    const auto asked = query("\x03web"s);
    say(tcp, "\x00"s + static_cast<char>(asked.size()) + asked);
    EXPECT_NE(receive(tcp), "(nothing)");
    handle_.reset();
    EXPECT_EQ(receive(tcp), "") << "closed";
    const Fd udp = connected(SOCK_DGRAM);
    say(udp, asked);
    loop_.poll();
    char byte = 0;
    EXPECT_LT(::recv(udp.raw(), &byte, 1, 0), 0) << "refused";
}

}  // namespace
}  // namespace diatom::dns
