// An HTTP server on a loopback port that answers, and misbehaves, as a test says. One request a connection.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "base/strings.h"

namespace diatom::http::testing {

struct FakeRequest {
    std::string method, target, body;
    std::map<std::string, std::string> headers;  // names in lower case
    std::string header(const std::string& name) const {
        const auto it = headers.find(name);
        return it == headers.end() ? std::string() : it->second;
    }
};

struct FakeResponse {
    int status = 200;
    std::vector<std::string> headers;
    std::string body;
    std::optional<std::size_t> only;  // send so many bytes of the body
    enum class Then { close, stall } then = Then::close;
};

class FakeServer {
public:
    using Handler = std::function<FakeResponse(const FakeRequest&)>;

    explicit FakeServer(Handler handler)
        : handler_(std::move(handler)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        if (::bind(listener_.raw(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
            ::listen(listener_.raw(), 64) != 0)
            std::abort();
        ::getsockname(listener_.raw(), reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        acceptor_ = std::thread([this] { accept_all(); });
    }
    FakeServer(const FakeServer&) = delete;
    FakeServer& operator=(const FakeServer&) = delete;
    ~FakeServer() {
        ::shutdown(listener_.raw(), SHUT_RDWR);
        acceptor_.join();
        {
            const std::lock_guard guard(mutex_);
            for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
        }
        for (auto& thread : connections_) thread.join();
    }

    std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
    std::vector<FakeRequest> requests() const {
        const std::lock_guard guard(mutex_);
        return requests_;
    }
    // Requests whose target contains `part`.
    std::vector<FakeRequest> requests(std::string_view part) const {
        std::vector<FakeRequest> found;
        for (const auto& request : requests()) {
            if (request.target.contains(part)) found.push_back(request);
        }
        return found;
    }

private:
    void accept_all() {
        for (;;) {
            Fd client(::accept4(listener_.raw(), nullptr, nullptr, SOCK_CLOEXEC));
            if (!client) return;
            {
                const std::lock_guard guard(mutex_);
                open_.push_back(client.raw());
            }
            connections_.emplace_back([this, fd = std::move(client)] {
                serve(fd);
                const std::lock_guard guard(mutex_);
                open_.remove(fd.raw());
            });
        }
    }

    static std::optional<FakeRequest> receive(FdRef client) {
        std::string text;
        char buffer[4096];
        while (!text.contains("\r\n\r\n")) {
            const auto got = ::recv(client.raw(), buffer, sizeof buffer, 0);
            if (got <= 0) return std::nullopt;
            text.append(buffer, static_cast<std::size_t>(got));
            if (text.front() == 0x16) return std::nullopt;  // a TLS client hello
        }
        FakeRequest request;
        const auto lines = split(std::string_view(text).substr(0, text.find("\r\n\r\n")), '\n');
        const auto words = split_words(lines[0]);
        request.method = words[0];
        request.target = words[1];
        for (std::size_t i = 1; i < lines.size(); ++i) {
            if (const auto field = cut(lines[i], ':')) request.headers[to_lower(field->first)] = trim(field->second);
        }
        request.body = text.substr(text.find("\r\n\r\n") + 4);
        const auto length = parse_uint(request.header("content-length")).value_or(0);
        while (request.body.size() < length) {
            const auto got = ::recv(client.raw(), buffer, sizeof buffer, 0);
            if (got <= 0) return std::nullopt;
            request.body.append(buffer, static_cast<std::size_t>(got));
        }
        return request;
    }

    void serve(FdRef client) {
        const auto request = receive(client);
        if (!request) return send(client, "HTTP/1.1 400 Bad Request\r\n\r\nthis speaks no TLS");
        {
            const std::lock_guard guard(mutex_);
            requests_.push_back(*request);
        }
        const auto response = handler_(*request);
        std::string text = "HTTP/1.1 " + std::to_string(response.status) +
                           " X\r\nContent-Length: " + std::to_string(response.body.size()) + "\r\n";
        for (const auto& header : response.headers) text += header + "\r\n";
        text += "\r\n" + response.body.substr(0, response.only.value_or(std::string::npos));
        send(client, text);
        char ignored = 0;
        if (response.then == FakeResponse::Then::stall)
            (void)::recv(client.raw(), &ignored, 1, 0);  // until the client goes
    }

    static void send(FdRef client, std::string_view text) {
        while (!text.empty()) {
            const auto sent = ::send(client.raw(), text.data(), text.size(), MSG_NOSIGNAL);
            if (sent <= 0) return;
            text.remove_prefix(static_cast<std::size_t>(sent));
        }
    }

    Handler handler_;
    Fd listener_;
    std::uint16_t port_ = 0;
    mutable std::mutex mutex_;
    std::vector<FakeRequest> requests_;
    std::list<int> open_;
    std::list<std::thread> connections_;
    std::thread acceptor_;
};

}  // namespace diatom::http::testing
