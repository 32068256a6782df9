#include "dns/forwarder.h"

#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

namespace diatom::dns {
namespace {

namespace asio = boost::asio;
using Descriptor = asio::posix::stream_descriptor;
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kMaxServers = 3;

struct SocketName {
    sockaddr_storage bytes{};
    socklen_t size = 0;
};

SocketName name_of(const Upstream& upstream) {
    SocketName name;
    if (upstream.address.family == Address::Family::v4) {
        auto* four = reinterpret_cast<sockaddr_in*>(&name.bytes);
        four->sin_family = AF_INET;
        four->sin_port = htons(upstream.port);
        std::memcpy(&four->sin_addr, upstream.address.bytes.data(), 4);
        name.size = sizeof *four;
    } else {
        auto* six = reinterpret_cast<sockaddr_in6*>(&name.bytes);
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(upstream.port);
        std::memcpy(&six->sin6_addr, upstream.address.bytes.data(), 16);
        name.size = sizeof *six;
    }
    return name;
}

Result<std::uint16_t> random_id() {
    std::uint16_t id = 0;
    if (::getrandom(&id, sizeof id, 0) != sizeof id) return fail_errno(errno, "get a random number");
    return id;
}

// Connected, so that the kernel hands up only what comes from the server. A connection by TCP may still be on its way.
Result<Fd> connect_to(const Upstream& upstream, Transport transport) {
    const int family = upstream.address.family == Address::Family::v4 ? AF_INET : AF_INET6;
    Fd socket = TRY(upstream.socket(family, transport == Transport::udp ? SOCK_DGRAM : SOCK_STREAM));
    const auto name = name_of(upstream);
    if (::connect(socket.raw(), reinterpret_cast<const sockaddr*>(&name.bytes), name.size) != 0 && errno != EINPROGRESS)
        return fail_errno(errno, "connect to a name server");
    return socket;
}

Failure no_answer() { return fail(Kind::unavailable, "the name server does not answer"); }

// An answer as large as they get takes 64 KiB: only while it is read, not while thousands of queries wait for theirs.
std::optional<Result<std::string>> receive(int socket) {
    std::string buffer(kMaxMessage, '\0');
    const auto n = ::recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
    if (n < 0) return fail_errno(errno, "hear from a name server");  // nobody listens there: refused
    return std::string(buffer, 0, static_cast<std::size_t>(n));
}

asio::awaitable<Result<std::string>> exchange_udp(std::shared_ptr<Descriptor> socket, const Query& query,
                                                  const std::string& bytes, std::uint16_t id) {
    if (::send(socket->native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT) < 0)
        co_return fail_errno(errno, "ask a name server");
    for (;;) {
        const auto [error] = co_await socket->async_wait(Descriptor::wait_read, kTuple);
        if (error) co_return no_answer();
        auto answer = receive(socket->native_handle());
        if (answer && (!*answer || answers(**answer, id, query))) co_return *std::move(answer);
    }
}

asio::awaitable<Result<std::string>> exchange_tcp(std::shared_ptr<Descriptor> socket, const Query& query,
                                                  const std::string& bytes, std::uint16_t id) {
    const auto [connected] = co_await socket->async_wait(Descriptor::wait_write, kTuple);
    if (connected) co_return no_answer();
    std::string framed;
    framed += static_cast<char>(bytes.size() >> 8U);
    framed += static_cast<char>(bytes.size() & 0xffU);
    framed += bytes;
    const auto [write_error, written] = co_await asio::async_write(*socket, asio::buffer(framed), kTuple);
    if (write_error) co_return no_answer();
    std::array<std::uint8_t, 2> length{};
    const auto [head_error, head] = co_await asio::async_read(*socket, asio::buffer(length), kTuple);
    if (head_error) co_return no_answer();
    std::string answer(static_cast<std::size_t>(length[0] << 8U | length[1]), '\0');
    const auto [body_error, body] = co_await asio::async_read(*socket, asio::buffer(answer), kTuple);
    if (body_error) co_return no_answer();
    if (!answers(answer, id, query)) co_return fail(Kind::corrupt, "a name server answers something else");
    co_return answer;
}

asio::awaitable<Result<std::string>> ask_one(asio::any_io_executor loop, const Upstream& upstream, const Query& query,
                                             std::string bytes, Transport transport, std::chrono::milliseconds limit) {
    const auto id = CO_TRY(random_id());
    set_id(bytes, id);
    auto fd = CO_TRY(connect_to(upstream, transport));
    auto socket = std::make_shared<Descriptor>(loop, fd.release());
    asio::steady_timer timer(loop, limit);
    timer.async_wait([weak = std::weak_ptr(socket)](const boost::system::error_code& error) {
        const auto late = error ? nullptr : weak.lock();
        boost::system::error_code ignored;
        if (late) late->close(ignored);
    });
    auto answer = transport == Transport::udp ? co_await exchange_udp(socket, query, bytes, id)
                                              : co_await exchange_tcp(socket, query, bytes, id);
    if (answer) set_id(*answer, query.id);
    co_return answer;
}

}  // namespace

std::vector<Upstream> Forwarder::in_order(std::vector<Upstream> upstreams) const {
    if (upstreams.size() > kMaxServers) upstreams.resize(kMaxServers);
    std::ranges::stable_partition(upstreams, [&](const Upstream& upstream) {
        const auto until = silent_.find({upstream.from, upstream.address});
        return until == silent_.end() || until->second <= Clock::now();
    });
    return upstreams;
}

void Forwarder::shun(Place place) {
    const auto now = Clock::now();
    std::erase_if(silent_, [&](const auto& entry) { return entry.second <= now; });
    silent_[std::move(place)] = now + limits_.shunned;
}

asio::awaitable<Result<std::string>> Forwarder::ask(std::vector<Upstream> upstreams, Query query, std::string bytes,
                                                    Transport transport) {
    Result<std::string> last = no_answer();
    for (const auto& upstream : in_order(std::move(upstreams))) {
        auto answer = co_await ask_one(loop_, upstream, query, bytes, transport, limits_.attempt);
        if (!answer) {
            shun({upstream.from, upstream.address});
            continue;
        }
        silent_.erase({upstream.from, upstream.address});
        last = std::move(answer);
        const auto code = code_of(*last);
        if (code != Code::server_failure && code != Code::refused) break;
    }
    co_return last;
}

}  // namespace diatom::dns
