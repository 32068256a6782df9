// Which handler answers which request. Thread side: the engine's loop.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/filter.h"
#include "api/http.h"
#include "api/version.h"
#include "engine/engine.h"

namespace diatom::api {

// One request on its way through a handler.
struct Call {
    Connection& connection;
    Request request;
    engine::Engine& engine;
    std::vector<std::string> captures;  // what {…} in the pattern matched, in order

    int version() const noexcept { return request.minor_version == 0 ? kMinorVersion : request.minor_version; }
    const std::string& name() const { return captures.front(); }
};

// Replies by itself; an error that it returns before it replied becomes the reply.
using Handler = Task<void> (*)(Call& call);

struct Route {
    std::string_view method;   // HEAD is answered by GET's handler
    std::string_view pattern;  // "/containers/{}/json"; {*} takes the rest, slashes included
    Handler handler;
};

// Each file of handlers gives its part of the table.
std::span<const Route> system_routes();
std::span<const Route> container_routes();
std::span<const Route> list_routes();  // of containers
std::span<const Route> stream_routes();
std::span<const Route> archive_routes();
std::span<const Route> limit_routes();
std::span<const Route> disk_routes();
std::span<const Route> check_routes();  // ours, not Docker's
std::span<const Route> exec_routes();
std::span<const Route> image_routes();
std::span<const Route> registry_routes();
std::span<const Route> transfer_routes();
std::span<const Route> network_routes();
std::span<const Route> volume_routes();
std::span<const Route> unsupported_routes();  // known to Docker, not in this version: 501 with the reason

inline constexpr std::string_view kNoCheckpoints = "checkpoints of containers (CRIU) are not in this version";

// Matches, checks the version, runs the handler, turns errors into replies.
Task<void> dispatch(Connection& connection, Request request, engine::Engine& engine);

// Decoded JSON body; an empty body is an empty object.
Result<Json> body_json(const Request& request);
Result<Filters> decode_filters(const Request& request);

}  // namespace diatom::api
