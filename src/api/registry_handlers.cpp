// What goes between the engine and registries: pull, push, distribution.
#include <algorithm>
#include <atomic>

#include "api/import.h"
#include "api/platform.h"
#include "api/progress.h"
#include "api/registry_auth.h"
#include "api/router.h"
#include "base/strings.h"

namespace diatom::api {
namespace {

namespace asio = boost::asio;

Result<std::optional<image::Credentials>> decode_auth(const Request& request) {
    return decode_registry_auth(request.header("x-registry-auth"));
}

struct Wanted {
    image::Reference reference;
    bool all_tags = false;  // docker pull --all-tags: the name alone
};

Result<Wanted> pull_wanted(const Request& request) {
    auto name = request.param("fromImage");
    if (name.empty()) return fail(Kind::invalid, "\"fromImage\" must name an image");
    const auto tag = request.param("tag");
    if (!tag.empty()) name += (tag.find(':') != std::string::npos ? "@" : ":") + tag;
    auto reference = TRY(image::Reference::parse(name));
    const bool named = !reference.digest.empty() || name.ends_with(":" + reference.tag);
    return Wanted{.reference = std::move(reference), .all_tags = !named};
}

struct PullOptions {
    image::Platform platform = image::Platform::host();
    std::optional<image::Credentials> credentials;
};

// Who is told to log in may be asking for what is not there: to registries both are one.
Failure not_to_be_had(Error error) {
    if (error.kind() != Kind::denied && error.kind() != Kind::unauthorized) return Failure(std::move(error));
    return fail(Kind::not_found, "{}", error.what());
}

// Whether the image is newer than what was here. The stream begins with the first that the registry says of the image:
// a failure before that is the reply, one after it the stream's last line, where it is not the client's own departure.
Task<bool> pull_one(Call& call, image::Reference reference, const PullOptions& options) {
    ProgressStream stream(call.connection, co_await asio::this_coro::executor);
    const auto intro = status_line("Pulling from " + reference.familiar_repository(),
                                   reference.digest.empty() ? reference.tag : reference.digest.text());
    std::atomic_flag introduced;
    const image::ProgressSink sink = [&](const image::Progress& progress) {
        if (!introduced.test_and_set()) stream.push(intro);
        stream.push(progress_line(progress));
    };
    auto pulled = co_await with_progress(stream, call.connection,
                                         call.engine.pull(reference, options.platform, options.credentials, sink));
    if (!pulled) co_return not_to_be_had(std::move(pulled).error());
    const auto lines = (introduced.test() ? "" : intro) + status_line("Digest: " + pulled->manifest.text());
    auto told = co_await write_lines(call.connection, lines);
    CO_TRY(std::move(told));
    co_return pulled->newer;
}

Task<std::vector<image::Reference>> pull_references(Call& call, Wanted wanted, const PullOptions& options) {
    if (!wanted.all_tags) co_return std::vector{std::move(wanted.reference)};
    auto listed =
        co_await while_connected(call.connection, call.engine.registry_tags(wanted.reference, options.credentials));
    if (!listed) co_return not_to_be_had(std::move(listed).error());
    const auto& tags = *listed;
    std::vector<image::Reference> references;
    for (const auto& tag : tags) {
        auto name = wanted.reference.domain + "/" + wanted.reference.repository + ":" + tag;
        references.push_back(CO_TRY(image::Reference::parse(name)));
    }
    if (references.empty())
        co_return fail(Kind::not_found, "repository {} has no tags", wanted.reference.familiar_repository());
    co_return references;
}

Task<void> pull(Call& call) {
    if (!call.request.param("fromSrc").empty()) co_return co_await import_image(call);
    const auto wanted = CO_TRY(pull_wanted(call.request));
    PullOptions options;
    options.credentials = CO_TRY(decode_auth(call.request));
    if (const auto text = call.request.param("platform"); !text.empty())
        options.platform = CO_TRY(image::Platform::parse(text));
    auto found = co_await pull_references(call, wanted, options);
    const auto references = CO_TRY(std::move(found));

    bool newer = false, failed = false;
    for (const auto& reference : references) {
        auto pulled = co_await pull_one(call, reference, options);
        const bool told = call.connection.streaming();
        if (!pulled && (!told || pulled.error().kind() == Kind::cancelled)) co_return forward_error(std::move(pulled));
        failed = !pulled;
        if (failed) break;
        newer = newer || *pulled;
    }
    if (!failed) {
        const auto line = status_line(
            std::format("Status: {} for {}", newer ? "Downloaded newer image" : "Image is up to date",
                        wanted.all_tags ? wanted.reference.familiar_repository() : wanted.reference.familiar()));
        auto told = co_await call.connection.write_chunk(line);
        CO_TRY(std::move(told));
    }
    co_return co_await call.connection.end_stream();
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
        status_line(std::format("The push refers to repository [{}/{}]", first.domain, first.repository));
    auto told = co_await call.connection.write_chunk(intro);
    CO_TRY(std::move(told));
    for (const auto& reference : references) {
        ProgressStream lines(call.connection, co_await asio::this_coro::executor);
        const image::ProgressSink sink = [&lines](const image::Progress& p) { lines.push(progress_line(p)); };
        auto pushed = co_await with_progress(lines, call.connection, call.engine.push(reference, credentials, sink));
        if (!pushed && pushed.error().kind() == Kind::cancelled) co_return forward_error(std::move(pushed));
        if (!pushed) break;
        const auto digest = pushed->manifest.text();
        const auto end = status_line(std::format("{}: digest: {} size: {}", reference.tag, digest, pushed->size)) +
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
    {"POST", "/images/create", pull},
    {"POST", "/images/{*}/push", push},
    {"GET", "/distribution/{*}/json", describe},
};

}  // namespace

std::span<const Route> registry_routes() { return kRoutes; }

}  // namespace diatom::api
