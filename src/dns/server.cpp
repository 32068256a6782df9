#include "dns/server.h"

#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <optional>
#include <set>

namespace diatom::dns {
namespace {

namespace asio = boost::asio;
using Descriptor = asio::posix::stream_descriptor;
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

// Queries that wait for other servers, of all containers and of one; connections of one. What is beyond is told
// "server failure", or not accepted until others are done. A few of each container may wait whatever the others do.
constexpr std::size_t kMaxWaiting = 1024, kMaxWaitingOfOne = 256, kFewWaiting = 16, kMaxConnections = 32;
constexpr std::chrono::seconds kIdleConnection{10};
constexpr std::chrono::milliseconds kAcceptAgain{100};
// A question has at most 259 bytes, its EDNS options a few more: a length beyond this is nothing to make room for.
constexpr std::size_t kMaxQuery = 4096;
// Datagrams in a row before others have their turn.
constexpr int kBurst = 64;

void close(Descriptor& descriptor) {
    boost::system::error_code ignored;
    descriptor.close(ignored);
}

std::string framed(const std::string& message) {
    std::string bytes;
    bytes += static_cast<char>(message.size() >> 8U);
    bytes += static_cast<char>(message.size() & 0xffU);
    return bytes + message;
}

struct Session {
    Session(const asio::any_io_executor& loop, Fd u, Fd t, std::shared_ptr<const Client> c)
        : udp(loop, u.release()), tcp(loop, t.release()), client(std::move(c)) {}
    Descriptor udp, tcp;
    std::shared_ptr<const Client> client;
    std::size_t waiting = 0;
    std::set<std::shared_ptr<Descriptor>> connections;
};
using SessionPtr = std::shared_ptr<Session>;

// Counts a query as waiting while it lives.
class Waiting {
public:
    Waiting(std::size_t& all, std::size_t& one) : all_(all), one_(one) { ++all_, ++one_; }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting() { --all_, --one_; }

private:
    std::size_t &all_, &one_;
};

// Among the session's connections while it lives.
class Listed {
public:
    Listed(std::set<std::shared_ptr<Descriptor>>& all, std::shared_ptr<Descriptor> one)
        : all_(all), one_(std::move(one)) {
        all_.insert(one_);
    }
    Listed(const Listed&) = delete;
    Listed& operator=(const Listed&) = delete;
    ~Listed() { all_.erase(one_); }

private:
    std::set<std::shared_ptr<Descriptor>>& all_;
    std::shared_ptr<Descriptor> one_;
};

struct Sender {
    sockaddr_storage bytes{};
    socklen_t size = sizeof bytes;
};

void send_to(Session& session, const std::string& answer, const Sender& to) {
    if (!session.udp.is_open()) return;
    // A client that does not read loses its answer, as on any network.
    (void)::sendto(session.udp.native_handle(), answer.data(), answer.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                   reinterpret_cast<const sockaddr*>(&to.bytes), to.size);
}

}  // namespace

struct Server::State {
    State(asio::any_io_executor l, Patience patience) : loop(std::move(l)), forwarder(loop, patience) {}

    // The answer at once, or nothing: to be asked outside, by forward(). An empty one: say nothing.
    std::optional<std::string> at_once(const Session& session, std::string_view bytes, Transport transport,
                                       std::optional<Query>& asked) const;
    asio::awaitable<std::string> forward(SessionPtr session, Query query, std::string bytes, Transport transport);

    static asio::awaitable<void> serve_udp(std::shared_ptr<State> self, SessionPtr session);
    static asio::awaitable<void> answer_later(std::shared_ptr<State> self, SessionPtr session, Query query,
                                              std::string bytes, Sender to);
    static asio::awaitable<void> serve_tcp(std::shared_ptr<State> self, SessionPtr session);
    static asio::awaitable<void> serve_connection(std::shared_ptr<State> self, SessionPtr session, Fd connection);

    asio::any_io_executor loop;
    Forwarder forwarder;
    std::size_t waiting = 0;
    std::array<char, kMaxMessage> buffer{};
};

std::optional<std::string> Server::State::at_once(const Session& session, std::string_view bytes, Transport transport,
                                                  std::optional<Query>& asked) const {
    auto query = parse_query(bytes);
    if (!query) {
        const auto kind = query.error().kind();
        if (kind == Kind::corrupt) return std::string();
        return encode_error(bytes, kind == Kind::unsupported ? Code::not_implemented : Code::format_error);
    }
    std::size_t limit = kMaxMessage;
    if (transport == Transport::udp) limit = std::max<std::size_t>(kMinLimit, query->edns_limit.value_or(kMinLimit));
    Answer answer;
    // decide() turns the addresses of an alias: the view itself stays as it is.
    if (decide(session.client->view, *query, answer) == Decision::answer) return encode(*query, answer, limit);
    const bool room = session.waiting < (waiting < kMaxWaiting ? kMaxWaitingOfOne : kFewWaiting);
    if (!session.client->view.leaves || !room)
        return encode(*query, {.code = Code::server_failure, .addresses = {}, .names = {}}, limit);
    asked = *std::move(query);
    return std::nullopt;
}

asio::awaitable<std::string> Server::State::forward(SessionPtr session, Query query, std::string bytes,
                                                    Transport transport) {
    const Waiting counted(waiting, session->waiting);
    auto answer = co_await forwarder.ask(session->client->upstreams(), query, std::move(bytes), transport);
    if (answer) co_return *std::move(answer);
    co_return encode(query, {.code = Code::server_failure, .addresses = {}, .names = {}}, kMinLimit);
}

asio::awaitable<void> Server::State::answer_later(std::shared_ptr<State> self, SessionPtr session, Query query,
                                                  std::string bytes, Sender to) {
    const auto answer = co_await self->forward(session, std::move(query), std::move(bytes), Transport::udp);
    send_to(*session, answer, to);
}

asio::awaitable<void> Server::State::serve_udp(std::shared_ptr<State> self, SessionPtr session) {
    for (;;) {
        const auto [error] = co_await session->udp.async_wait(Descriptor::wait_read, kTuple);
        if (error) co_return;
        for (int i = 0; i < kBurst; ++i) {
            Sender from;
            const auto n = ::recvfrom(session->udp.native_handle(), self->buffer.data(), self->buffer.size(),
                                      MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&from.bytes), &from.size);
            if (n < 0) break;
            const std::string_view bytes(self->buffer.data(), static_cast<std::size_t>(n));
            std::optional<Query> asked;
            const auto answer = self->at_once(*session, bytes, Transport::udp, asked);
            if (!answer) {
                asio::co_spawn(self->loop, answer_later(self, session, std::move(*asked), std::string(bytes), from),
                               asio::detached);
            } else if (!answer->empty()) {
                send_to(*session, *answer, from);
            }
        }
    }
}

asio::awaitable<void> Server::State::serve_tcp(std::shared_ptr<State> self, SessionPtr session) {
    asio::steady_timer pause(self->loop);
    for (;;) {
        const auto [error] = co_await session->tcp.async_wait(Descriptor::wait_read, kTuple);
        if (error) co_return;
        Fd connection;
        if (session->connections.size() < kMaxConnections)
            connection = Fd(::accept4(session->tcp.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!connection) {  // one too many, or no descriptor left: it stays in the queue
            pause.expires_after(kAcceptAgain);
            (void)co_await pause.async_wait(kTuple);
            if (!session->tcp.is_open()) co_return;
            continue;
        }
        asio::co_spawn(self->loop, serve_connection(self, session, std::move(connection)), asio::detached);
    }
}

asio::awaitable<void> Server::State::serve_connection(std::shared_ptr<State> self, SessionPtr session, Fd connection) {
    auto socket = std::make_shared<Descriptor>(self->loop, connection.release());
    const Listed listed(session->connections, socket);
    asio::steady_timer timer(self->loop);
    for (;;) {
        timer.expires_after(kIdleConnection);
        timer.async_wait([weak = std::weak_ptr(socket)](const boost::system::error_code& stopped) {
            const auto idle = stopped ? nullptr : weak.lock();
            if (idle) close(*idle);
        });
        std::array<std::uint8_t, 2> length{};
        const auto [head_error, head] = co_await asio::async_read(*socket, asio::buffer(length), kTuple);
        if (head_error || !session->tcp.is_open()) co_return;
        const auto size = static_cast<std::size_t>(length[0] << 8U | length[1]);
        if (size > kMaxQuery) co_return;
        std::string bytes(size, '\0');
        const auto [body_error, body] = co_await asio::async_read(*socket, asio::buffer(bytes), kTuple);
        if (body_error) co_return;
        std::optional<Query> asked;
        auto answer = self->at_once(*session, bytes, Transport::tcp, asked);
        if (!answer) answer = co_await self->forward(session, std::move(*asked), std::move(bytes), Transport::tcp);
        if (answer->empty()) co_return;
        const auto out = framed(*answer);
        const auto [write_error, written] = co_await asio::async_write(*socket, asio::buffer(out), kTuple);
        if (write_error) co_return;
    }
}

Server::Server(asio::any_io_executor loop, Patience patience)
    : state_(std::make_shared<State>(std::move(loop), patience)) {}

Server::~Server() = default;

std::shared_ptr<void> Server::serve(Fd udp, Fd tcp, std::shared_ptr<const Client> client) {
    auto session = std::make_shared<Session>(state_->loop, std::move(udp), std::move(tcp), std::move(client));
    asio::co_spawn(state_->loop, State::serve_udp(state_, session), asio::detached);
    asio::co_spawn(state_->loop, State::serve_tcp(state_, session), asio::detached);
    return std::shared_ptr<void>(session.get(), [session](void*) {
        close(session->udp);
        close(session->tcp);
        for (const auto& connection : session->connections) close(*connection);
    });
}

}  // namespace diatom::dns
