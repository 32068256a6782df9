#include "api/router.h"

#include <array>
#include <optional>

#include "base/strings.h"
#include "sys/log.h"

namespace diatom::api {
namespace {

std::optional<std::vector<std::string>> match(std::string_view pattern, std::string_view path) {
    std::vector<std::string> captures;
    while (!pattern.empty()) {
        const auto hole = pattern.find('{');
        if (!path.starts_with(pattern.substr(0, hole))) return std::nullopt;
        if (hole == std::string_view::npos) {
            return path == pattern ? std::optional(std::move(captures)) : std::nullopt;
        }
        path.remove_prefix(hole);
        pattern.remove_prefix(hole);
        std::size_t length = 0;
        if (pattern.starts_with("{*}")) {
            // The rest, but for the literal tail of the pattern: image names contain slashes.
            pattern.remove_prefix(3);
            if (path.size() <= pattern.size() || !path.ends_with(pattern)) return std::nullopt;
            length = path.size() - pattern.size();
        } else {
            pattern.remove_prefix(2);
            length = std::min(path.find('/'), path.size());
        }
        if (length == 0) return std::nullopt;
        captures.emplace_back(path.substr(0, length));
        path.remove_prefix(length);
    }
    return path.empty() ? std::optional(std::move(captures)) : std::nullopt;
}

struct Match {
    Handler handler = nullptr;
    std::vector<std::string> captures;
    bool path_known = false;
};

Match find_route(const Request& request) {
    Match found;
    const std::string_view method =
        request.method == "HEAD" ? std::string_view("GET") : std::string_view(request.method);
    for (const auto table :
         {system_routes(), list_routes(), container_routes(), stream_routes(), archive_routes(), limit_routes(),
          disk_routes(), check_routes(), exec_routes(), image_routes(), registry_routes(), transfer_routes(),
          network_routes(), volume_routes(), unsupported_routes()}) {
        for (const auto& route : table) {
            auto captures = match(route.pattern, request.path);
            if (!captures) continue;
            found.path_known = true;
            if (route.method == method || route.method == request.method) {
                found.handler = route.handler;
                found.captures = std::move(*captures);
                return found;
            }
        }
    }
    return found;
}

Result<void> check_version(const Request& request) {
    if (request.minor_version == 0) return {};
    if (request.minor_version < kMinMinorVersion) {
        return fail(Kind::invalid,
                    "client version 1.{} is too old. Minimum supported API version is 1.{}, please upgrade your client "
                    "to a newer version",
                    request.minor_version, kMinMinorVersion);
    }
    if (request.minor_version > kMinorVersion) {
        return fail(Kind::invalid, "client version 1.{} is too new. Maximum supported API version is 1.{}",
                    request.minor_version, kMinorVersion);
    }
    return {};
}

// A warning is about this machine, and is shown on its console. A registry that does not answer is the client's to say.
log::Level level_of(Kind kind) {
    switch (kind) {
        case Kind::unavailable:
        case Kind::timed_out:
        case Kind::cancelled:
        case Kind::unsupported: return log::Level::info;
        default: return log::Level::warning;
    }
}

Task<void> finish(Connection& connection, const Request& request, const Error& error) {
    if (connection.replied()) {
        // Too late for a status: cutting the stream short is what tells the client.
        if (error.kind() != Kind::cancelled)
            log::warning("request failed in its stream", {{"path", request.path}, {"error", error.what()}});
        connection.shutdown();
        co_return Result<void>{};
    }
    if (engine::is_not_modified(error)) co_return co_await connection.reply_empty(304);
    if (http_status(error.kind()) >= 500) {
        log::write(level_of(error.kind()), "request failed",
                   {{"method", request.method}, {"path", request.path}, {"error", error.what()}});
    }
    co_return co_await connection.reply_error(error);
}

}  // namespace

Task<void> dispatch(Connection& connection, Request request, engine::Engine& engine) {
    if (auto checked = check_version(request); !checked)
        co_return co_await finish(connection, request, checked.error());
    auto found = find_route(request);
    if (found.handler == nullptr) {
        const Error error =
            found.path_known
                ? Error(Kind::not_found, std::format("{} is not a method of {}", request.method, request.path))
                : Error(Kind::not_found, "page not found");
        co_return co_await finish(connection, request, error);
    }
    Call call{connection, std::move(request), engine, std::move(found.captures)};
    auto done = co_await found.handler(call);
    if (!done) co_return co_await finish(connection, call.request, done.error());
    co_return Result<void>{};
}

Result<Json> body_json(const Request& request) {
    if (trim(request.body).empty()) return Json::object();
    // As Docker: what a form or a text says may be meant otherwise.
    const auto type = request.header("content-type");
    if (to_lower(trim(type.substr(0, type.find(';')))) != "application/json")
        return fail(Kind::invalid, "unsupported Content-Type header ({}): must be 'application/json'", type);
    auto body = TRY(parse_json(request.body, "request body"));
    if (body.is_null()) return Json::object();
    if (!body.is_object()) return fail(Kind::invalid, "request body: must be a JSON object, not {}", body.type_name());
    return body;
}

Result<Filters> decode_filters(const Request& request) { return decode_filters(request.param("filters")); }

}  // namespace diatom::api
