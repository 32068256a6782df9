// A proxy and, at the end of its tunnel, a registry over TLS as "registry.test", with a certificate of its own making:
// whoever asks for another host gets the same. One request a connection, one connection at a time.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "image/testing/fake_registry.h"

namespace diatom::image::testing {

class TlsTunnel {
public:
    enum class Clients { any, certified };  // certified: by the server's own certificate

    struct Server {
        std::string key = "P-256";  // or another curve of NIST, "RSA", "ED25519"
        int newest = TLS1_3_VERSION;
    };

    TlsTunnel(FakeRegistry::Handler handler, Clients clients, const Server& server)
        : handler_(std::move(handler)), context_(SSL_CTX_new(TLS_server_method()), SSL_CTX_free) {
        make_certificate(server.key);
        SSL_CTX_set_max_proto_version(context_.get(), server.newest);
        SSL_CTX_use_certificate(context_.get(), certificate_.get());
        SSL_CTX_use_PrivateKey(context_.get(), key_.get());
        X509_STORE_add_cert(SSL_CTX_get_cert_store(context_.get()), certificate_.get());
        if (clients == Clients::certified)
            SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
        listener_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        if (::bind(listener_.raw(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
            ::listen(listener_.raw(), 64) != 0)
            std::abort();
        ::getsockname(listener_.raw(), reinterpret_cast<sockaddr*>(&address), &size);
        address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
        thread_ = std::thread([this] {
            for (;;) {
                const Fd client(::accept4(listener_.raw(), nullptr, nullptr, SOCK_CLOEXEC));
                if (!client) return;
                serve(client);
            }
        });
    }
    TlsTunnel(FakeRegistry::Handler handler, Clients clients) : TlsTunnel(std::move(handler), clients, Server{}) {}
    TlsTunnel(const TlsTunnel&) = delete;
    TlsTunnel& operator=(const TlsTunnel&) = delete;
    ~TlsTunnel() {
        ::shutdown(listener_.raw(), SHUT_RDWR);
        thread_.join();
    }

    std::string address() const { return address_; }
    std::string certificate() const {
        return pem([this](BIO* out) { PEM_write_bio_X509(out, certificate_.get()); });
    }
    std::string key() const {
        return pem(
            [this](BIO* out) { PEM_write_bio_PrivateKey(out, key_.get(), nullptr, nullptr, 0, nullptr, nullptr); });
    }
    std::vector<std::string> tunnels() const {  // "CONNECT HOST:PORT HTTP/1.1"
        const std::lock_guard guard(mutex_);
        return tunnels_;
    }

private:
    static EVP_PKEY* make_key(const std::string& kind) {
        if (kind == "RSA") return EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{2048});
        if (kind == "ED25519") return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
        return EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", kind.c_str());
    }

    void make_certificate(const std::string& kind) {
        key_.reset(make_key(kind));
        certificate_.reset(X509_new());
        X509* made = certificate_.get();
        X509_set_version(made, X509_VERSION_3);
        ASN1_INTEGER_set(X509_get_serialNumber(made), 1);
        X509_gmtime_adj(X509_getm_notBefore(made), -3600);
        X509_gmtime_adj(X509_getm_notAfter(made), 24L * 3600);
        X509_set_pubkey(made, key_.get());
        X509_NAME* name = X509_get_subject_name(made);
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("registry.test"),
                                   -1, -1, 0);
        X509_set_issuer_name(made, name);
        for (const auto& [kind, value] : {std::pair(NID_subject_alt_name, "DNS:registry.test"),
                                          std::pair(NID_basic_constraints, "critical,CA:TRUE")}) {
            X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value);
            X509_add_ext(made, extension, -1);
            X509_EXTENSION_free(extension);
        }
        X509_sign(made, key_.get(), kind == "ED25519" ? nullptr : EVP_sha256());
    }

    static std::string pem(const std::function<void(BIO*)>& write) {
        const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
        write(out.get());
        char* bytes = nullptr;
        const auto size = BIO_get_mem_data(out.get(), &bytes);
        return {bytes, static_cast<std::size_t>(size)};
    }

    void serve(FdRef client) {
        std::string head;
        char c = 0;
        while (!head.ends_with("\r\n\r\n") && ::recv(client.raw(), &c, 1, 0) == 1) head += c;
        {
            const std::lock_guard guard(mutex_);
            tunnels_.push_back(head.substr(0, head.find('\r')));
        }
        constexpr std::string_view kOpen = "HTTP/1.1 200 OK\r\n\r\n";
        (void)::send(client.raw(), kOpen.data(), kOpen.size(), MSG_NOSIGNAL);
        const std::unique_ptr<SSL, decltype(&SSL_free)> tls(SSL_new(context_.get()), SSL_free);
        SSL_set_fd(tls.get(), client.raw());
        if (SSL_accept(tls.get()) != 1) return;
        std::string request;
        while (!request.ends_with("\r\n\r\n") && SSL_read(tls.get(), &c, 1) == 1) request += c;
        FakeRequest asked;
        asked.method = "GET";
        asked.target = split_words(request).size() > 1 ? std::string(split_words(request)[1]) : "";
        const auto response = handler_(asked);
        std::string answer =
            std::format("HTTP/1.1 {} X\r\nContent-Length: {}\r\n", response.status, response.body.size());
        for (const auto& header : response.headers) answer += header + "\r\n";
        answer += "\r\n" + response.body;
        (void)SSL_write(tls.get(), answer.data(), static_cast<int>(answer.size()));
        SSL_shutdown(tls.get());
    }

    FakeRegistry::Handler handler_;
    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
    std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_{nullptr, EVP_PKEY_free};
    std::unique_ptr<X509, decltype(&X509_free)> certificate_{nullptr, X509_free};
    Fd listener_;
    std::string address_;
    mutable std::mutex mutex_;
    std::vector<std::string> tunnels_;
    std::thread thread_;
};

}  // namespace diatom::image::testing
