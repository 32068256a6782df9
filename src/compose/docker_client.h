// Docker's API as a client: one request, one connection. Thread side: any; blocks. A Client is a value and may be used
// by several threads at once.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/json.h"
#include "compose/interpolate.h"
#include "document/value.h"

namespace diatom::compose {

// The version of the API that requests are written for (Docker 24).
inline constexpr std::string_view kApiVersion = "v1.43";

struct Endpoint {
    std::string unix_path;   // or
    std::string host, port;  // TCP without TLS
};
// DOCKER_HOST, or the user engine's socket. unsupported: other schemes, and TLS.
Result<Endpoint> find_endpoint(const Environment& environment);

// Bytes of a body as they come; an error ends the request.
using Sink = std::function<Result<void>(std::string_view bytes)>;

class Client {
public:
    explicit Client(Endpoint endpoint) : endpoint_(std::move(endpoint)) {}

    // The decoded answer; null where there is none. An answer that is an error becomes one, with the engine's message.
    Result<Json> call(std::string_view method, const std::string& target, const Value& body = {}) const;
    Result<Json> get(const std::string& target) const { return call("GET", target); }
    // Bytes that are no JSON, such as an archive.
    Result<void> put(const std::string& target, std::string_view type, std::string_view bytes) const;
    // A file from where it stands, of any size; the answer as it comes.
    Result<void> post_file(const std::string& target, std::string_view type, FdRef file, const Sink& sink) const;
    // A body without end, or one of many documents.
    Result<void> stream(std::string_view method, const std::string& target, const Value& body, const Sink& sink) const;

    // The connection itself, after the engine has answered 101 (attach, exec). `early`: what came already.
    struct Hijacked {
        Fd connection;
        std::string early;
    };
    Result<Hijacked> hijack(const std::string& target, const Value& body) const;

private:
    Result<Fd> connect() const;
    Result<Fd> send(std::string_view method, const std::string& target, const Value& body, std::string_view more) const;
    Result<Fd> send_bytes(std::string_view method, const std::string& target, std::string_view type,
                          std::string_view bytes, std::string_view more) const;

    Endpoint endpoint_;
};

// One part of a query or a path.
std::string percent_encode(std::string_view text);

// Separates the two streams of a container without a terminal: frames of 8 bytes of head (stream, length) and the data.
class Demultiplexer {
public:
    using Output = std::function<void(int stream, std::string_view bytes)>;  // 1: standard output, 2: error
    void feed(std::string_view bytes, const Output& output);

private:
    std::string pending_;
};

}  // namespace diatom::compose
