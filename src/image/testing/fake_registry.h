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
#include "image/testing/image_builder.h"

namespace diatom::image::testing {

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

class FakeRegistry {
public:
    using Handler = std::function<FakeResponse(const FakeRequest&)>;

    explicit FakeRegistry(Handler handler)
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
    FakeRegistry(const FakeRegistry&) = delete;
    FakeRegistry& operator=(const FakeRegistry&) = delete;
    ~FakeRegistry() {
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

// What a server that knows ranges answers ("bytes=FIRST-LAST", LAST may be left out).
inline FakeResponse serve_range(const std::string& bytes, const std::string& range) {
    if (!range.starts_with("bytes=")) return {.body = bytes};
    const auto ends = cut(std::string_view(range).substr(6), '-').value_or(Halves{});
    const auto first = parse_uint(ends.first).value_or(0);
    const auto last = std::min<std::uint64_t>(parse_uint(ends.second).value_or(bytes.size() - 1), bytes.size() - 1);
    if (first > last) return {.status = 416};
    return {.status = 206,
            .headers = {std::format("Content-Range: bytes {}-{}/{}", first, last, bytes.size())},
            .body = bytes.substr(first, last - first + 1)};
}

// A well-behaved answer for an image at any name and tag; Range is honoured.
inline FakeResponse serve_image(const TestImage& image, const FakeRequest& request) {
    if (request.target.contains("/manifests/")) {
        return {.headers = {"Content-Type: application/vnd.oci.image.manifest.v1+json"}, .body = image.manifest};
    }
    const auto slash = request.target.rfind('/');
    const auto blob = image.blobs.find(request.target.substr(slash + 1));
    if (blob == image.blobs.end())
        return {.status = 404, .body = R"({"errors":[{"code":"BLOB_UNKNOWN","message":"blob unknown"}]})"};
    return serve_range(blob->second, request.header("range"));
}

// A registry that takes what is pushed; mounting is by "from" alone, as if every repository had every blob.
struct PushTarget {
    std::mutex mutex;
    std::map<std::string, std::string> blobs, manifests;  // by digest; by target
    std::string upload;
    bool mounts = false;

    FakeResponse serve(const FakeRequest& request) {
        const std::lock_guard guard(mutex);
        const auto name = request.target.substr(request.target.rfind('/') + 1);
        if (request.target.contains("/manifests/")) {
            manifests[request.target] = request.body;
            return {.status = 201, .headers = {"Docker-Content-Digest: " + Digest::of(request.body).text()}};
        }
        if (request.method == "HEAD") return {.status = blobs.contains(name) ? 200 : 404};
        if (request.method == "POST" && mounts && request.target.contains("mount=")) return {.status = 201};
        if (request.method == "POST") {
            upload.clear();
            return {.status = 202, .headers = {"Location: /v2/upload?state=1"}};
        }
        upload += request.body;
        if (request.method == "PATCH") return {.status = 202, .headers = {"Location: /v2/upload?state=2"}};
        const auto digest = request.target.substr(request.target.find("digest=") + 7);
        if (Digest::of(upload).text() != digest)
            return {.status = 400, .body = R"({"errors":[{"code":"DIGEST_INVALID","message":"digest invalid"}]})"};
        blobs[digest] = upload;
        return {.status = 201};
    }
};

}  // namespace diatom::image::testing
