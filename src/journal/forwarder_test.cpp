// Others are told over UDP, TCP and TLS: all of it, also when they were away.
#include "journal/forwarder.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "base/strings.h"
#include "journal/store_writer.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "tests/support/temp_dir.h"

namespace diatom::journal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using ServerContext = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

// One that vouches for itself, of a host with this name or address ("DNS:…", "IP:…").
Certificate certificate_of(EVP_PKEY* key, const char* names) {
    Certificate made(X509_new(), X509_free);
    X509_set_version(made.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -60);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
    X509_set_pubkey(made.get(), key);
    auto* subject = X509_get_subject_name(made.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("receiver"), -1, -1,
                               0);
    X509_set_issuer_name(made.get(), subject);
    X509V3_CTX context;
    X509V3_set_ctx(&context, made.get(), made.get(), nullptr, nullptr, 0);
    for (const auto& [id, value] :
         {std::pair(NID_subject_alt_name, names), std::pair(NID_basic_constraints, "critical,CA:TRUE")}) {
        auto* extension = X509V3_EXT_conf_nid(nullptr, &context, id, value);
        X509_add_ext(made.get(), extension, -1);
        X509_EXTENSION_free(extension);
    }
    X509_sign(made.get(), key, EVP_sha256());
    return made;
}

// Listens on the loopback, and keeps what it gets.
class Listener {
public:
    Listener(Receiver::Transport transport, const char* names, std::uint16_t port = 0)
        : transport_(transport),
          key_(EVP_EC_gen("P-256"), EVP_PKEY_free),
          certificate_(certificate_of(key_.get(), names)) {
        const bool datagrams = transport == Receiver::Transport::udp;
        socket_ = Fd(::socket(AF_INET, (datagrams ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0));
        const int on = 1;
        ::setsockopt(socket_.raw(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        if (::bind(socket_.raw(), reinterpret_cast<sockaddr*>(&address), size) != 0) std::abort();
        if (!datagrams && ::listen(socket_.raw(), 8) != 0) std::abort();
        ::getsockname(socket_.raw(), reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { transport_ == Receiver::Transport::udp ? take_datagrams() : accept_all(); });
    }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    ~Listener() {
        stop_ = true;
        thread_.join();
    }
    std::uint16_t port() const { return port_; }
    Receiver receiver() const { return {transport_, "127.0.0.1", std::to_string(port_)}; }
    void write_certificate(const std::string& path) const {
        auto* file = std::fopen(path.c_str(), "w");
        PEM_write_X509(file, certificate_.get());
        std::fclose(file);
    }
    std::vector<std::string> texts() {
        const std::scoped_lock lock(mutex_);
        std::vector<std::string> list;
        for (const auto& message : messages_) list.push_back(message.substr(message.find("\"] ") + 3));
        return list;
    }

private:
    bool readable(int fd) {
        while (!stop_) {
            pollfd wait{fd, POLLIN, 0};
            if (::poll(&wait, 1, 20) > 0) return true;
        }
        return false;
    }
    void take_datagrams() {
        std::array<char, 65536> bytes;
        while (readable(socket_.raw())) {
            const ssize_t got = ::recv(socket_.raw(), bytes.data(), bytes.size(), 0);
            const std::scoped_lock lock(mutex_);
            if (got > 0) messages_.emplace_back(bytes.data(), static_cast<std::size_t>(got));
        }
    }
    void accept_all() {
        const ServerContext context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
        SSL_CTX_use_certificate(context.get(), certificate_.get());
        SSL_CTX_use_PrivateKey(context.get(), key_.get());
        while (readable(socket_.raw())) {
            const Fd client(::accept4(socket_.raw(), nullptr, nullptr, SOCK_CLOEXEC));
            if (!client) continue;
            std::unique_ptr<SSL, decltype(&SSL_free)> session(nullptr, SSL_free);
            if (transport_ == Receiver::Transport::tls) {
                session.reset(SSL_new(context.get()));
                SSL_set_fd(session.get(), client.raw());
                if (SSL_accept(session.get()) != 1) continue;
            }
            serve(client, session.get());
        }
    }
    // Octet counting, as RFC 6587 has it.
    void serve(FdRef client, SSL* session) {
        std::string bytes;
        std::array<char, 4096> block;
        while ((session != nullptr && SSL_pending(session) > 0) || readable(client.raw())) {
            const auto got = session == nullptr ? ::recv(client.raw(), block.data(), block.size(), 0)
                                                : SSL_read(session, block.data(), block.size());
            if (got <= 0) return;
            bytes.append(block.data(), static_cast<std::size_t>(got));
            for (;;) {
                const auto space = bytes.find(' ');
                const auto length = space == std::string::npos ? std::nullopt : parse_uint(bytes.substr(0, space));
                if (!length || bytes.size() < space + 1 + *length) break;
                const std::scoped_lock lock(mutex_);
                messages_.push_back(bytes.substr(space + 1, *length));
                bytes.erase(0, space + 1 + *length);
            }
        }
    }

    Receiver::Transport transport_;
    Key key_;
    Certificate certificate_;
    Fd socket_;
    std::uint16_t port_ = 0;
    std::atomic<bool> stop_ = false;
    std::mutex mutex_;
    std::vector<std::string> messages_;
    std::thread thread_;
};

class Forwarding : public ::testing::TestWithParam<Receiver::Transport> {
protected:
    void say(const std::string& text) {
        Record record;
        record.time = sys::wall_ns();
        record.unit = "unit";
        record.text = text;
        auto done = writer_->append({&record, 1});
        ASSERT_TRUE(done) << done.error().what();
    }
    void SetUp() override {
        ::signal(SIGPIPE, SIG_IGN);
        writer_ = *StoreWriter::open(store_, {}, {});
    }
    ForwardOptions options(const Receiver& receiver) {
        return {.receiver = receiver,
                .store = store_,
                .authorities = temp_ / "authority.pem",
                .first_back_off_ns = 10'000'000,
                .max_back_off_ns = 50'000'000,
                .stopped = [this] { return stop_.load(); }};
    }
    // Runs one until `done`, for ten seconds at most.
    void run(const Receiver& receiver, const std::function<bool()>& done) {
        stop_ = false;
        Forwarder forwarder(options(receiver));
        std::thread thread([&] { forwarder.run(); });
        for (int i = 0; i < 1000 && !done(); ++i) ::usleep(10'000);
        stop_ = true;
        thread.join();
        EXPECT_TRUE(done());
    }
    test::TempDir temp_;
    std::string store_ = temp_ / "store";
    std::unique_ptr<StoreWriter> writer_;
    std::atomic<bool> stop_ = false;
};

TEST_P(Forwarding, ASecondRunGoesOnWhereTheFirstWas) {
    Listener listener(GetParam(), "IP:127.0.0.1");
    listener.write_certificate(temp_ / "authority.pem");
    say("one");
    say("two");
    run(listener.receiver(), [&] { return listener.texts().size() >= 2; });
    say("three");
    run(listener.receiver(), [&] {
        if (listener.texts().size() == 3) say("four");
        return listener.texts().size() >= 4;
    });
    const auto texts = listener.texts();
    ASSERT_GE(texts.size(), 4U);
    EXPECT_THAT(std::vector(texts.begin(), texts.begin() + 4), ElementsAre("one", "two", "three", "four"));
}

TEST_P(Forwarding, OneThatWasAwayIsToldWhatItMissed) {
    Receiver receiver;
    {
        Listener first(GetParam(), "IP:127.0.0.1");
        receiver = first.receiver();
    }
    for (int i = 0; i < 50; ++i) say("missed " + std::to_string(i));
    stop_ = false;
    Forwarder forwarder(options(receiver));
    std::thread thread([&] { forwarder.run(); });
    ::usleep(300'000);
    EXPECT_EQ(forwarder.position(), 1U);
    {
        Listener second(GetParam(), "IP:127.0.0.1", static_cast<std::uint16_t>(*parse_uint(receiver.port)));
        second.write_certificate(temp_ / "authority.pem");
        for (int i = 0; i < 1000 && second.texts().size() < 50; ++i) ::usleep(10'000);
        auto texts = second.texts();
        EXPECT_EQ(texts.front(), "missed 0");
        EXPECT_EQ(texts.back(), "missed 49");
    }
    stop_ = true;
    thread.join();
}

INSTANTIATE_TEST_SUITE_P(Transports, Forwarding,
                         ::testing::Values(Receiver::Transport::udp, Receiver::Transport::tcp,
                                           Receiver::Transport::tls),
                         [](const auto& info) {
                             return std::string(
                                 std::array{"Udp", "Tcp", "Tls"}.at(static_cast<std::size_t>(info.param)));
                         });

class Trust : public Forwarding {};

TEST_F(Trust, OnlyTheRightCertificateIsToldAnything) {
    Listener other(Receiver::Transport::tls, "DNS:other.example");
    other.write_certificate(temp_ / "authority.pem");
    const auto wrong_name = Connection::open(other.receiver(), temp_ / "authority.pem");
    ASSERT_FALSE(wrong_name);
    EXPECT_EQ(wrong_name.error().kind(), Kind::denied);
    EXPECT_THAT(wrong_name.error().what(), HasSubstr("certificates.trusted"));
    Listener stranger(Receiver::Transport::tls, "IP:127.0.0.1");
    EXPECT_EQ(Connection::open(stranger.receiver(), temp_ / "authority.pem").error().kind(), Kind::denied);
    stranger.write_certificate(temp_ / "authority.pem");
    EXPECT_TRUE(Connection::open(stranger.receiver(), temp_ / "authority.pem"));
}

TEST_F(Trust, WhatWasRemovedIsPassedOver) {
    Listener listener(Receiver::Transport::tcp, "IP:127.0.0.1");
    say("one");
    run(listener.receiver(), [&] { return !listener.texts().empty(); });
    writer_->set_limits({.max_bytes = 1U << 20U});
    for (int i = 0; i < 3000; ++i) say(std::string(1000, 'x'));
    ASSERT_GT(writer_->removed(), 0U);
    say("last");
    run(listener.receiver(), [&] { return listener.texts().back() == "last"; });
    EXPECT_LT(listener.texts().size(), 3000U);
}

}  // namespace
}  // namespace diatom::journal
