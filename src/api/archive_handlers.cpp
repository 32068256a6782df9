// The files of containers: docker cp and diff.
#include "api/archives.h"
#include "api/encode.h"
#include "api/router.h"
#include "base/strings.h"

namespace diatom::api {
namespace {

Result<std::string> path_param(const Request& request) {
    auto path = request.param("path");
    if (path.empty()) return fail(Kind::invalid, "\"path\" must name a file or directory in the container");
    return path;
}

std::string stat_header(const engine::PathStat& about) {
    return std::format("X-Docker-Container-Path-Stat: {}\r\n", encode_base64(dump_json(encode_path_stat(about))));
}

Task<void> get_archive(Call& call) {
    const auto path = CO_TRY(path_param(call.request));
    if (call.request.method == "HEAD") {
        auto looked = co_await call.engine.stat_path(call.name(), path);
        const auto header = stat_header(CO_TRY(std::move(looked)));
        co_return co_await call.connection.reply(200, {}, {}, header);
    }
    auto opened = co_await call.engine.read_archive(call.name(), path);
    const auto archive = CO_TRY(std::move(opened));
    co_return co_await send_archive(call.connection, *archive.reader, stat_header(archive.about));
}

Task<void> put_archive(Call& call) {
    const auto path = CO_TRY(path_param(call.request));
    const engine::ExtractOptions options{.keep_kinds = call.request.flag("noOverwriteDirNonDir"),
                                         .as_user = call.request.flag("copyUIDGID")};
    auto written = co_await with_body(call.connection, [&](Fd archive) {
        return call.engine.write_archive(call.name(), path, std::move(archive), options);
    });
    CO_TRY(std::move(written));
    co_return co_await call.connection.reply_empty(200);
}

Task<void> changes(Call& call) {
    auto compared = co_await call.engine.changes(call.name());
    const auto changes = CO_TRY(std::move(compared));
    Json rows = Json::array();
    for (const auto& change : changes) rows.push_back({{"Path", change.path}, {"Kind", static_cast<int>(change.kind)}});
    co_return co_await call.connection.reply_json(200, rows.empty() ? Json(nullptr) : rows);
}

constexpr Route kRoutes[] = {
    {"GET", "/containers/{}/archive", get_archive},  // and HEAD
    {"PUT", "/containers/{}/archive", put_archive},
    {"GET", "/containers/{}/changes", changes},
};

}  // namespace

std::span<const Route> archive_routes() { return kRoutes; }

}  // namespace diatom::api
