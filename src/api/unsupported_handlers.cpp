// What Docker's API has and this version has not: each answers with what is missing and what to do instead.
#include "api/router.h"

namespace diatom::api {
namespace {

template <std::size_t N>
struct Text {
    char text[N];
    constexpr Text(const char (&literal)[N]) { std::copy_n(literal, N, text); }
};

template <Text Message>
Task<void> refuse(Call&) {
    co_return fail(Kind::unsupported, "{}", std::string_view(Message.text));
}

Task<void> refuse_checkpoint(Call&) { co_return fail(Kind::unsupported, "{}", kNoCheckpoints); }

Task<void> refuse_swarm(Call&) {
    co_return fail(Kind::unavailable,
                   "This node is not a swarm manager. Diatom OS runs Kubernetes on more than one machine, not Swarm.");
}

constexpr Handler kBuild =
    refuse<"building images is not in this version: build elsewhere, push to a registry and pull here">;
constexpr Handler kSearch = refuse<"searching registries is not in this version">;
constexpr Handler kPlugins = refuse<"engine plugins are not in this version">;

// Last of all kinds, `docker inspect` asks whether what it looks for is a plugin.
Task<void> no_such_plugin(Call& call) {
    co_return fail(Kind::not_found, "No such plugin: {}: engine plugins are not in this version",
                   call.name().substr(0, call.name().rfind("/json")));
}

constexpr Route kRoutes[] = {
    {"POST", "/build", kBuild},
    {"POST", "/session", kBuild},
    {"POST", "/grpc", kBuild},
    {"GET", "/images/search", kSearch},
    {"GET", "/containers/{}/checkpoints", refuse_checkpoint},
    {"POST", "/containers/{}/checkpoints", refuse_checkpoint},
    {"GET", "/plugins", kPlugins},
    {"GET", "/plugins/privileges", kPlugins},
    {"GET", "/plugins/{*}", no_such_plugin},
    {"POST", "/plugins/{*}", kPlugins},
    {"DELETE", "/plugins/{*}", kPlugins},
    {"GET", "/swarm", refuse_swarm},
    {"GET", "/swarm/{}", refuse_swarm},
    {"POST", "/swarm/{}", refuse_swarm},
    {"GET", "/nodes", refuse_swarm},
    {"GET", "/nodes/{*}", refuse_swarm},
    {"POST", "/nodes/{*}", refuse_swarm},
    {"DELETE", "/nodes/{*}", refuse_swarm},
    {"GET", "/services", refuse_swarm},
    {"GET", "/services/{*}", refuse_swarm},
    {"POST", "/services/{*}", refuse_swarm},
    {"DELETE", "/services/{*}", refuse_swarm},
    {"GET", "/tasks", refuse_swarm},
    {"GET", "/tasks/{*}", refuse_swarm},
    {"GET", "/secrets", refuse_swarm},
    {"GET", "/secrets/{*}", refuse_swarm},
    {"POST", "/secrets/{*}", refuse_swarm},
    {"DELETE", "/secrets/{*}", refuse_swarm},
    {"GET", "/configs", refuse_swarm},
    {"GET", "/configs/{*}", refuse_swarm},
    {"POST", "/configs/{*}", refuse_swarm},
    {"DELETE", "/configs/{*}", refuse_swarm},
    {"PUT", "/volumes/{}", refuse_swarm},  // of cluster volumes alone
};

}  // namespace

std::span<const Route> unsupported_routes() { return kRoutes; }

}  // namespace diatom::api
