// Archives that come and leave, and containers that become images: load, import, save, export, commit.
#include "api/archives.h"
#include "api/decode.h"
#include "api/import.h"
#include "api/platform.h"
#include "api/progress.h"
#include "api/router.h"
#include "base/strings.h"
#include "http/client.h"

namespace diatom::api {
namespace {

Task<void> export_container(Call& call) {
    auto opened = co_await call.engine.export_container(call.name());
    const auto archive = CO_TRY(std::move(opened));
    co_return co_await send_archive(call.connection, *archive);
}

Task<void> save(Call& call, std::vector<std::string> names) {
    if (names.empty()) co_return fail(Kind::invalid, "\"names\" must name an image");
    for (const auto& name : names) {
        auto checked = co_await check_platform(call, name);
        CO_TRY(std::move(checked));
    }
    auto opened = co_await call.engine.save_images(std::move(names));
    const auto archive = CO_TRY(std::move(opened));
    co_return co_await send_archive(call.connection, *archive);
}

Task<void> save_several(Call& call) { return save(call, call.request.params("names")); }
Task<void> save_one(Call& call) { return save(call, {call.name()}); }

Task<void> load(Call& call) {
    CO_TRY(check_host_platform(call.request));
    auto loaded = co_await with_body(call.connection, [&](Fd archive) {
        return call.engine.load_image(std::move(archive), [](const image::Progress&) {});
    });
    if (!loaded && loaded.error().kind() == Kind::cancelled) co_return forward_error(std::move(loaded));
    // Clients look for a failure among the lines.
    if (!loaded) co_return co_await call.connection.reply(200, "application/json", error_line(loaded.error()));
    std::string lines;
    for (const auto& name : *loaded) {
        const bool id = name.starts_with("sha256:");
        const auto reference = image::Reference::parse(name);
        const auto shown = id || !reference ? name : reference->familiar();
        lines += dump_json({{"stream", std::format("Loaded image{}: {}\n", id ? " ID" : "", shown)}}) + "\r\n";
    }
    co_return co_await call.connection.reply(200, "application/json", lines);
}

// "repo" and "tag", either of which may be missing; a full reference or nothing.
Result<std::string> new_name(const Request& request) {
    auto name = request.param("repo");
    if (name.empty()) return std::string();
    if (const auto tag = request.param("tag"); !tag.empty()) name += ":" + tag;
    const auto reference = TRY(image::Reference::parse(name));
    TRY(image::check_taggable(reference));
    return reference.full();
}

// Instructions come one to a parameter; one parameter may hold several lines.
std::vector<std::string> changes_of(const Request& request) {
    std::vector<std::string> changes;
    for (const auto& value : request.params("changes")) {
        for (const auto line : split(value, '\n')) {
            if (!trim(line).empty()) changes.emplace_back(trim(line));
        }
    }
    return changes;
}

Task<void> commit(Call& call) {
    const auto& request = call.request;
    const auto body = CO_TRY(body_json(request));
    const auto container = request.param("container");
    if (container.empty()) co_return fail(Kind::invalid, "\"container\" must name a container");
    engine::NewImage options;
    options.tag = CO_TRY(new_name(request));
    options.author = request.param("author");
    options.comment = request.param("comment");
    options.changes = changes_of(request);
    options.process = decode_commit(body);
    options.pause = request.flag("pause", true);
    auto made = co_await call.engine.commit(container, std::move(options));
    const auto id = CO_TRY(std::move(made));
    co_return co_await call.connection.reply_json(201, {{"Id", id.text()}});
}

constexpr Route kRoutes[] = {
    {"POST", "/commit", commit},
    {"POST", "/images/load", load},
    {"GET", "/containers/{}/export", export_container},
    {"GET", "/images/get", save_several},
    {"GET", "/images/{*}/get", save_one},
};

}  // namespace

namespace {

Result<engine::NewImage> import_options(const Request& request, const std::string& source) {
    engine::NewImage options;
    options.tag = TRY(new_name(request));
    options.comment = request.param("message");
    if (options.comment.empty()) options.comment = "Imported from " + source;
    options.changes = changes_of(request);
    options.platform = image::Platform::host();
    if (const auto text = request.param("platform"); !text.empty())
        options.platform = TRY(image::Platform::parse(text));
    if (options.platform.os != "linux")
        return fail(Kind::invalid, "operating system is not supported: {}", options.platform.os);
    options.process = Json::object();
    return options;
}

// What fails is told in the stream, as the client expects of what takes its time.
Task<void> import_from_url(Call& call, std::string url, engine::NewImage options) {
    auto begun = co_await call.connection.begin_stream(200, "application/json");
    CO_TRY(std::move(begun));
    ProgressStream stream(call.connection, co_await boost::asio::this_coro::executor);
    stream.push(status_line("Downloading from " + url));
    auto made = co_await with_progress(
        stream, call.connection, call.engine.import_url(url, std::move(options), [&stream](const image::Progress& p) {
            stream.push(progress_line(p));
        }));
    if (!made && made.error().kind() == Kind::cancelled) co_return forward_error(std::move(made));
    if (made) {
        const auto line = status_line(made->text());
        auto told = co_await call.connection.write_chunk(line);
        CO_TRY(std::move(told));
    }
    co_return co_await call.connection.end_stream();
}

}  // namespace

Task<void> import_image(Call& call) {
    auto source = call.request.param("fromSrc");
    auto options = CO_TRY(import_options(call.request, source));
    if (source != "-") {
        if (!source.contains("://")) source.insert(0, "http://");  // as Docker
        CO_TRY(http::Url::parse(source));
        co_return co_await import_from_url(call, std::move(source), std::move(options));
    }
    auto made = co_await with_body(
        call.connection, [&](Fd archive) { return call.engine.import_image(std::move(archive), std::move(options)); });
    const auto id = CO_TRY(std::move(made));
    const auto line = dump_json({{"status", id.text()}}) + "\r\n";
    co_return co_await call.connection.reply(200, "application/json", line);
}

std::span<const Route> transfer_routes() { return kRoutes; }

}  // namespace diatom::api
