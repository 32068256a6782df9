#include "journal/connection.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "sys/clock.h"
#include "sys/retry.h"
#include "sys/socket.h"

namespace diatom::journal {
namespace {

constexpr int kConnectMs = 15'000, kSendMs = 30'000, kRefusedMs = 20, kLookMs = 10;
// A receiver must take 480 and should take 2048 (RFC 5426, 3.2); rsyslog and syslog-ng take 8192 over TCP unless told.
constexpr std::size_t kMaxDatagram = 2048, kMaxFramed = 8192;

constexpr const char* kAuthorities = "/etc/ssl/certs/ca-certificates.crt";  // with certificates.trusted

using Addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

Result<Addresses> look_up(const Receiver& receiver, int type) {
    addrinfo hints{};
    hints.ai_socktype = type;
    addrinfo* found = nullptr;
    if (const int error = ::getaddrinfo(receiver.host.c_str(), receiver.port.c_str(), &hints, &found); error != 0)
        return fail(Kind::unavailable, "{} has no address: {}", receiver.host, ::gai_strerror(error));
    return Addresses(found, &::freeaddrinfo);
}

Result<void> wait_for(FdRef fd, short events, int milliseconds, const char* what) {
    pollfd wait{fd.raw(), events, 0};
    const int ready = sys::retry_interrupted([&] { return ::poll(&wait, 1, milliseconds); });
    if (ready < 0) return fail_errno(errno, "{}", what);
    if (ready == 0) return fail(Kind::timed_out, "{}: it takes longer than {} s", what, milliseconds / 1000);
    return {};
}

Result<void> pending_error(FdRef socket, const char* what) {
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(socket.raw(), SOL_SOCKET, SO_ERROR, &error, &size) < 0) error = errno;
    if (error != 0) return fail_errno(error, "{}", what);
    return {};
}

// The first address that answers; the socket does not block.
Result<Fd> connect_to(const Receiver& receiver, int type) {
    const auto addresses = TRY(look_up(receiver, type));
    Result<void> last = fail(Kind::unavailable, "{} has no address", receiver.host);
    for (const auto* address = addresses.get(); address != nullptr; address = address->ai_next) {
        Fd socket(::socket(address->ai_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!socket) {
            last = fail_errno(errno, "make a socket");
            continue;
        }
        if (::connect(socket.raw(), address->ai_addr, address->ai_addrlen) == 0) return socket;
        last = errno == EINPROGRESS ? wait_for(socket, POLLOUT, kConnectMs, "connect") : fail_errno(errno, "connect");
        if (last) last = pending_error(socket, "connect");
        if (last) return socket;
    }
    return forward_error(std::move(last));
}

std::string framed(std::string_view message) { return std::format("{} {}", message.size(), message); }

class Datagrams final : public Connection {
public:
    explicit Datagrams(Fd socket) : socket_(std::move(socket)) {}

    Result<void> send(std::string_view message) override {
        const auto give = [&] { return ::send(socket_.raw(), message.data(), message.size(), MSG_NOSIGNAL); };
        while (sys::retry_interrupted(give) < 0) {
            if (errno != EAGAIN) return fail_errno(errno, "send");
            TRY(wait_for(socket_, POLLOUT, kSendMs, "send"));
        }
        return {};
    }
    // Whoever is there but does not listen says so at once.
    Result<void> await_delivery() override {
        pollfd wait{socket_.raw(), 0, 0};
        std::ignore = sys::retry_interrupted([&] { return ::poll(&wait, 1, kRefusedMs); });
        return pending_error(socket_, "send");
    }
    Result<void> check() override {
        std::array<char, 64> answer;  // nobody has anything to say to us
        while (::recv(socket_.raw(), answer.data(), answer.size(), MSG_DONTWAIT) > 0) continue;
        return pending_error(socket_, "receiver");
    }
    FdRef fd() const override { return socket_; }
    std::size_t max_message() const override { return kMaxDatagram; }

private:
    Fd socket_;
};

// Bytes that the receiver's kernel has not acknowledged.
Result<void> await_acknowledged(FdRef socket) {
    const auto deadline = sys::monotonic_ns() + std::int64_t{kSendMs} * 1'000'000;
    for (;;) {
        int left = 0;
        if (::ioctl(socket.raw(), SIOCOUTQ, &left) < 0) return fail_errno(errno, "ask what was sent");
        if (left == 0) return {};
        TRY(pending_error(socket, "send"));
        if (sys::monotonic_ns() > deadline) return fail(Kind::timed_out, "{} bytes are not acknowledged", left);
        ::usleep(kLookMs * 1000);
    }
}

class Stream final : public Connection {
public:
    explicit Stream(Fd socket) : socket_(std::move(socket)) {}

    Result<void> send(std::string_view message) override {
        const auto bytes = framed(message);
        for (std::string_view rest = bytes; !rest.empty();) {
            const ssize_t sent =
                sys::retry_interrupted([&] { return ::send(socket_.raw(), rest.data(), rest.size(), MSG_NOSIGNAL); });
            if (sent > 0) rest.remove_prefix(static_cast<std::size_t>(sent));
            else if (errno != EAGAIN) return fail_errno(errno, "send");
            else TRY(wait_for(socket_, POLLOUT, kSendMs, "send"));
        }
        return {};
    }
    Result<void> await_delivery() override { return await_acknowledged(socket_); }
    Result<void> check() override {
        std::array<char, 256> answer;
        for (;;) {
            const ssize_t got = ::recv(socket_.raw(), answer.data(), answer.size(), MSG_DONTWAIT);
            if (got == 0) return fail(Kind::unavailable, "the receiver closed the connection");
            if (got < 0 && errno == EAGAIN) return {};
            if (got < 0 && errno != EINTR) return fail_errno(errno, "receiver");
        }
    }
    FdRef fd() const override { return socket_; }
    std::size_t max_message() const override { return kMaxFramed; }

private:
    Fd socket_;
};

struct FreeContext {
    void operator()(SSL_CTX* context) const noexcept { ::SSL_CTX_free(context); }
};
struct FreeSession {
    void operator()(SSL* session) const noexcept { ::SSL_free(session); }
};
using Context = std::unique_ptr<SSL_CTX, FreeContext>;
using Session = std::unique_ptr<SSL, FreeSession>;

Failure tls_error(std::string_view what) {
    std::array<char, 256> text{};
    const auto code = ::ERR_get_error();
    ::ERR_error_string_n(code, text.data(), text.size());
    ::ERR_clear_error();
    return fail(Kind::unavailable, "{}: {}", what, code == 0 ? "the connection ended" : text.data());
}

Result<Context> make_context(const std::string& authorities) {
    Context context(::SSL_CTX_new(::TLS_client_method()));
    if (!context) return tls_error("TLS");
    ::SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);  // RFC 9662
    ::SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    const auto* file = authorities.empty() ? kAuthorities : authorities.c_str();
    const int loaded = ::SSL_CTX_load_verify_file(context.get(), file);
    if (loaded != 1) return tls_error("certificate authorities");
    return context;
}

// The certificate has to be of this host, by name or address.
Result<Session> make_session(SSL_CTX* context, FdRef socket, const std::string& host) {
    Session session(::SSL_new(context));
    if (!session || ::SSL_set_fd(session.get(), socket.raw()) != 1) return tls_error("TLS");
    std::array<unsigned char, 16> address;
    const bool is_address = ::inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
                            ::inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
    const int set = is_address ? ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(session.get()), host.c_str())
                               : ::SSL_set1_host(session.get(), host.c_str());
    if (set != 1) return tls_error("TLS server name");
    if (!is_address && ::SSL_set_tlsext_host_name(session.get(), host.c_str()) != 1)
        return tls_error("TLS server name");
    return session;
}

class Encrypted final : public Connection {
public:
    Encrypted(Fd socket, Context context, Session session)
        : socket_(std::move(socket)), context_(std::move(context)), session_(std::move(session)) {}

    Result<void> shake_hands() {
        return repeat([this] { return ::SSL_connect(session_.get()); }, kConnectMs, "TLS handshake");
    }
    Result<void> send(std::string_view message) override {
        const auto bytes = framed(message);
        return repeat([&] { return ::SSL_write(session_.get(), bytes.data(), static_cast<int>(bytes.size())); },
                      kSendMs, "send");
    }
    Result<void> await_delivery() override { return await_acknowledged(socket_); }
    Result<void> check() override {
        std::array<char, 256> answer;
        for (;;) {
            const int got = ::SSL_read(session_.get(), answer.data(), answer.size());
            if (got > 0) continue;
            const int error = ::SSL_get_error(session_.get(), got);
            if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return {};
            return tls_error("the receiver closed the connection");
        }
    }
    FdRef fd() const override { return socket_; }
    std::size_t max_message() const override { return kMaxFramed; }

private:
    template <class Call>
    Result<void> repeat(Call call, int milliseconds, const char* what) {
        for (;;) {
            const int done = call();
            if (done > 0) return {};
            const int error = ::SSL_get_error(session_.get(), done);
            if (error == SSL_ERROR_WANT_READ) TRY(wait_for(socket_, POLLIN, milliseconds, what));
            else if (error == SSL_ERROR_WANT_WRITE) TRY(wait_for(socket_, POLLOUT, milliseconds, what));
            else return explain(what);
        }
    }
    Failure explain(const char* what) {
        const auto verified = ::SSL_get_verify_result(session_.get());
        if (verified == X509_V_OK) return tls_error(what);
        ::ERR_clear_error();
        return fail(Kind::denied, "{}: its certificate is not trusted: {}; name its authority in certificates.trusted",
                    what, ::X509_verify_cert_error_string(verified));
    }

    Fd socket_;
    Context context_;
    Session session_;
};

}  // namespace

Result<std::unique_ptr<Connection>> Connection::open(const Receiver& receiver, const std::string& authorities) {
    using Transport = Receiver::Transport;
    const bool datagrams = receiver.transport == Transport::udp;
    auto socket = TRY(connect_to(receiver, datagrams ? SOCK_DGRAM : SOCK_STREAM), "{}", receiver.url());
    if (datagrams) return std::make_unique<Datagrams>(std::move(socket));
    const int on = 1;
    std::ignore = ::setsockopt(socket.raw(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    if (receiver.transport == Transport::tcp) return std::make_unique<Stream>(std::move(socket));
    auto context = TRY(make_context(authorities), "{}", receiver.url());
    auto session = TRY(make_session(context.get(), socket, receiver.host), "{}", receiver.url());
    auto encrypted = std::make_unique<Encrypted>(std::move(socket), std::move(context), std::move(session));
    TRY(encrypted->shake_hands(), "{}", receiver.url());
    return encrypted;
}

}  // namespace diatom::journal
