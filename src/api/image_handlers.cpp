#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>

#include "api/encode.h"
#include "api/import.h"
#include "api/platform.h"
#include "api/race.h"
#include "api/router.h"
#include "base/strings.h"
#include "sys/clock.h"

namespace diatom::api {
namespace {

namespace asio = boost::asio;

// X-Registry-Auth: base64url of {"username","password","identitytoken","registrytoken","serveraddress"}.
Result<std::optional<image::Credentials>> decode_auth(const Request& request) {
    const auto header = request.header("x-registry-auth");
    if (header.empty()) return std::nullopt;
    const auto text = decode_base64(header);
    if (!text) return fail(Kind::invalid, "X-Registry-Auth is not base64");
    if (trim(*text).empty()) return std::nullopt;
    const auto body = TRY(parse_json(*text, "X-Registry-Auth"));
    image::Credentials credentials;
    credentials.username = TRY(json_string(body, "username"));
    credentials.password = TRY(json_string(body, "password"));
    credentials.identity_token = TRY(json_string(body, "identitytoken"));
    credentials.registry_token = TRY(json_string(body, "registrytoken"));
    if (credentials.username.empty() && credentials.identity_token.empty() && credentials.registry_token.empty())
        return std::nullopt;
    return credentials;
}

// Progress comes from worker threads and the loop alike; it is written to the client by one coroutine.
class ProgressStream {
public:
    ProgressStream(Connection& connection, const asio::any_io_executor& loop)
        : connection_(connection), loop_(loop), wake_(loop) {}

    // Any thread.
    void push(std::string line) {
        asio::post(loop_, [self = shared_, line = std::move(line)]() mutable {
            if (auto* stream = *self) stream->enqueue(std::move(line));
        });
    }
    ~ProgressStream() { *shared_ = nullptr; }

    void finish() {
        finished_ = true;
        wake_.expires_at(asio::steady_timer::time_point::min());
    }

    Task<void> run() {
        for (;;) {
            while (!lines_.empty()) {
                const auto line = std::move(lines_.front());
                lines_.pop_front();
                auto sent = co_await connection_.write_chunk(line);
                CO_TRY(std::move(sent));
            }
            if (finished_) co_return Result<void>{};
            wake_.expires_at(asio::steady_timer::time_point::max());
            boost::system::error_code woken;
            co_await wake_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        }
    }

private:
    void enqueue(std::string line) {
        lines_.push_back(std::move(line));
        wake_.cancel();
    }

    Connection& connection_;
    asio::any_io_executor loop_;
    asio::steady_timer wake_;
    std::deque<std::string> lines_;
    std::shared_ptr<ProgressStream*> shared_ = std::make_shared<ProgressStream*>(this);
    bool finished_ = false;
};

std::string progress_bar(std::uint64_t current, std::uint64_t total) {
    constexpr std::size_t kWidth = 50;
    const auto filled = total == 0 ? 0 : std::min<std::size_t>(kWidth, current * kWidth / total);
    std::string bar = "[" + std::string(filled, '=');
    if (filled < kWidth) bar += ">" + std::string(kWidth - filled - 1, ' ');
    return std::format("{}]  {}/{}", bar, format_bytes(current), format_bytes(total));
}

std::string progress_line(const image::Progress& progress) {
    Json line{{"status", progress.status}};
    if (!progress.id.empty()) line["id"] = progress.id;
    Json detail = Json::object();
    if (progress.total > 0) {
        detail = {{"current", progress.current}, {"total", progress.total}};
        line["progress"] = progress_bar(progress.current, progress.total);
    }
    line["progressDetail"] = detail;
    return dump_json(line) + "\r\n";
}

std::string error_line(const Error& error) {
    return dump_json({{"errorDetail", {{"message", error.what()}}}, {"error", error.what()}}) + "\r\n";
}

// Runs work beside the stream of its progress; its failure becomes the stream's last line, as Docker clients expect.
template <class T>
Task<T> with_progress(ProgressStream& stream, Connection& connection, Task<T> work) {
    using namespace asio::experimental::awaitable_operators;
    const auto worker = [&stream, &connection](Task<T> inner) -> Task<T> {
        auto result = co_await while_connected(connection, std::move(inner));
        // The last progress lines are posted: let them arrive before the end.
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
        stream.finish();
        co_return result;
    };
    auto [result, sent] = co_await (worker(std::move(work)) && stream.run());
    CO_TRY(std::move(sent));
    if (!result && result.error().kind() != Kind::cancelled) {
        const auto line = error_line(result.error());
        auto told = co_await connection.write_chunk(line);
        CO_TRY(std::move(told));
    }
    co_return std::move(result);
}

Result<image::Reference> pull_reference(const Request& request) {
    auto name = request.param("fromImage");
    if (name.empty()) return fail(Kind::invalid, "\"fromImage\" must name an image");
    const auto tag = request.param("tag");
    if (!tag.empty()) name += (tag.find(':') != std::string::npos ? "@" : ":") + tag;
    return image::Reference::parse(name);
}

Task<void> pull(Call& call) {
    if (!call.request.param("fromSrc").empty()) co_return co_await import_image(call);
    const auto reference = CO_TRY(pull_reference(call.request));
    const auto credentials = CO_TRY(decode_auth(call.request));
    auto platform = image::Platform::host();
    if (const auto text = call.request.param("platform"); !text.empty())
        platform = CO_TRY(image::Platform::parse(text));

    auto begun = co_await call.connection.begin_stream(200, "application/json");
    CO_TRY(std::move(begun));
    ProgressStream stream(call.connection, co_await asio::this_coro::executor);
    stream.push(dump_json({{"status", "Pulling from " + reference.familiar_repository()},
                           {"id", reference.digest.empty() ? reference.tag : reference.digest.text()}}) +
                "\r\n");
    auto pulled = co_await with_progress(
        stream, call.connection,
        call.engine.pull(reference, platform, credentials,
                         [&stream](const image::Progress& p) { stream.push(progress_line(p)); }));
    if (pulled) {
        const std::string lines =
            dump_json({{"status", "Digest: " + pulled->manifest.text()}}) + "\r\n" +
            dump_json({{"status", std::format("Status: {} for {}",
                                              pulled->newer ? "Downloaded newer image" : "Image is up to date",
                                              reference.familiar())}}) +
            "\r\n";
        auto told = co_await call.connection.write_chunk(lines);
        CO_TRY(std::move(told));
    } else if (pulled.error().kind() == Kind::cancelled) {
        co_return forward_error(std::move(pulled));
    }
    co_return co_await call.connection.end_stream();
}

Task<void> list(Call& call) {
    const auto filters = CO_TRY(decode_filters(call.request));
    auto listed = co_await call.engine.images();
    const auto images = CO_TRY(std::move(listed));
    const auto containers = call.engine.containers();
    std::vector<std::string> wanted;
    if (const auto it = filters.find("reference"); it != filters.end()) wanted = it->second;
    if (const auto filter = call.request.param("filter"); !filter.empty()) wanted.push_back(filter);
    Json rows = Json::array();
    for (const auto& image : images) {
        const auto matches = [&](const std::string& name) {
            return std::ranges::any_of(image.tags, [&](const std::string& tag) {
                const auto reference = image::Reference::parse(tag);
                return reference &&
                       (reference->familiar() == name || reference->familiar_repository() == name || tag == name);
            });
        };
        if (!wanted.empty() && std::ranges::none_of(wanted, matches)) continue;
        if (const auto it = filters.find("dangling"); it != filters.end() && !it->second.empty()) {
            if ((it->second.front() == "true" || it->second.front() == "1") != image.tags.empty()) continue;
        }
        if (!labels_match(image.config.labels, filters)) continue;
        rows.push_back(encode_image_row(
            image, std::ranges::count_if(containers, [&](const auto& c) { return c.image == image.id; })));
    }
    co_return co_await call.connection.reply_json(200, rows);
}

Task<void> inspect(Call& call) {
    auto checked = co_await check_platform(call, call.name());
    CO_TRY(std::move(checked));
    auto found = co_await call.engine.image(call.name());
    const auto image = CO_TRY(std::move(found));
    co_return co_await call.connection.reply_json(200, encode_image(image));
}

Task<void> history(Call& call) {
    auto checked = co_await check_platform(call, call.name());
    CO_TRY(std::move(checked));
    auto found = co_await call.engine.image(call.name());
    const auto image = CO_TRY(std::move(found));
    Json rows = Json::array();
    if (image.config.history.is_array()) {
        for (const auto& step : image.config.history) {
            const auto created = sys::parse_rfc3339(json_string(step, "created").value_or("")).value_or(0);
            rows.insert(rows.begin(), Json{{"Id", "<missing>"},
                                           {"Created", created / 1'000'000'000},
                                           {"CreatedBy", json_string(step, "created_by").value_or("")},
                                           {"Comment", json_string(step, "comment").value_or("")},
                                           {"Size", 0},
                                           {"Tags", nullptr}});
        }
    }
    if (!rows.empty()) {
        rows.front()["Id"] = image.id.text();
        rows.front()["Tags"] = image.tags;
    }
    co_return co_await call.connection.reply_json(200, rows);
}

Task<void> remove(Call& call) {
    auto checked = co_await check_platform(call, call.name());
    CO_TRY(std::move(checked));
    auto removed = co_await call.engine.remove_image(call.name(), call.request.flag("force"));
    const auto result = CO_TRY(std::move(removed));
    Json rows = Json::array();
    for (const auto& name : result.untagged) rows.push_back({{"Untagged", name}});
    for (const auto& id : result.deleted) rows.push_back({{"Deleted", id}});
    co_return co_await call.connection.reply_json(200, rows);
}

Task<void> tag(Call& call) {
    auto name = call.request.param("repo");
    if (const auto tag = call.request.param("tag"); !tag.empty()) name += ":" + tag;
    const auto reference = CO_TRY(image::Reference::parse(name));
    if (!reference.digest.empty()) co_return fail(Kind::invalid, "refusing to create a tag with a digest reference");
    auto tagged = co_await call.engine.tag_image(call.name(), reference);
    CO_TRY(std::move(tagged));
    co_return co_await call.connection.reply_empty(201);
}

// One tag, or without a tag all that the repository has here (docker push --all-tags).
Task<std::vector<image::Reference>> push_references(Call& call) {
    const auto repository = CO_TRY(image::Reference::parse(call.name()));
    std::vector<image::Reference> references;
    if (const auto tag = call.request.param("tag"); !tag.empty()) {
        references.push_back(CO_TRY(image::Reference::parse(call.name() + ":" + tag)));
        co_return references;
    }
    auto listed = co_await call.engine.images();
    const auto images = CO_TRY(std::move(listed));
    for (const auto& image : images) {
        for (const auto& full : image.tags) {
            auto reference = CO_TRY(image::Reference::parse(full));
            if (reference.domain == repository.domain && reference.repository == repository.repository)
                references.push_back(std::move(reference));
        }
    }
    if (references.empty())
        co_return fail(Kind::not_found, "An image does not exist locally with the tag: {}",
                       repository.familiar_repository());
    co_return references;
}

Task<void> push(Call& call) {
    auto found = co_await push_references(call);
    const auto references = CO_TRY(std::move(found));
    for (const auto& reference : references) {
        auto checked = co_await check_platform(call, reference.full());
        CO_TRY(std::move(checked));
    }
    const auto credentials = CO_TRY(decode_auth(call.request));
    auto begun = co_await call.connection.begin_stream(200, "application/json");
    CO_TRY(std::move(begun));
    const auto& first = references.front();
    const auto intro =
        dump_json({{"status", std::format("The push refers to repository [{}/{}]", first.domain, first.repository)}}) +
        "\r\n";
    auto told = co_await call.connection.write_chunk(intro);
    CO_TRY(std::move(told));
    for (const auto& reference : references) {
        ProgressStream lines(call.connection, co_await asio::this_coro::executor);
        const image::ProgressSink sink = [&lines](const image::Progress& p) { lines.push(progress_line(p)); };
        auto pushed = co_await with_progress(lines, call.connection, call.engine.push(reference, credentials, sink));
        if (!pushed && pushed.error().kind() == Kind::cancelled) co_return forward_error(std::move(pushed));
        if (!pushed) break;
        const auto digest = pushed->manifest.text();
        const auto end =
            dump_json({{"status", std::format("{}: digest: {} size: {}", reference.tag, digest, pushed->size)}}) +
            "\r\n" +
            dump_json({{"progressDetail", Json::object()},
                       {"aux", {{"Tag", reference.tag}, {"Digest", digest}, {"Size", pushed->size}}}}) +
            "\r\n";
        auto ended = co_await call.connection.write_chunk(end);
        CO_TRY(std::move(ended));
    }
    co_return co_await call.connection.end_stream();
}

Task<void> describe(Call& call) {
    const auto reference = CO_TRY(image::Reference::parse(call.name()));
    const auto credentials = CO_TRY(decode_auth(call.request));
    auto asked = co_await call.engine.describe_image(reference, credentials);
    const auto found = CO_TRY(std::move(asked));
    Json platforms = Json::array();
    for (const auto& platform : found.platforms) {
        platforms.push_back({{"architecture", platform.architecture}, {"os", platform.os}});
        if (!platform.variant.empty()) platforms.back()["variant"] = platform.variant;
    }
    co_return co_await call.connection.reply_json(
        200, {{"Descriptor", image::encode_descriptor(found.descriptor)}, {"Platforms", platforms}});
}

constexpr Route kRoutes[] = {
    {"POST", "/images/create", pull},     {"GET", "/images/json", list},
    {"GET", "/images/{*}/json", inspect}, {"GET", "/images/{*}/history", history},
    {"POST", "/images/{*}/tag", tag},     {"DELETE", "/images/{*}", remove},
    {"POST", "/images/{*}/push", push},   {"GET", "/distribution/{*}/json", describe},
};

}  // namespace

std::span<const Route> image_routes() { return kRoutes; }

}  // namespace diatom::api
