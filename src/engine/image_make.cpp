// What becomes an image here (commit, import), and what goes to a registry.
#include <fcntl.h>

#include "base/strings.h"
#include "engine/engine_impl.h"
#include "image/image_config.h"
#include "image/tree_archive.h"
#include "sys/clock.h"
#include "sys/file.h"

namespace diatom::engine {
namespace {

constexpr std::size_t kPiece = 256U << 10U;

Json object_of(const std::vector<std::string>& keys) {
    Json object = Json::object();
    for (const auto& key : keys) object[key] = Json::object();
    return object;
}

// What the container was created with, image defaults included, as the new image's defaults.
Json process_of(const Container& container, const Json& replaced) {
    const auto& config = container.config;
    Json process{{"Env", config.env},
                 {"Cmd", config.cmd.value_or(std::vector<std::string>())},
                 {"User", container.user},
                 {"WorkingDir", container.working_dir},
                 {"Labels", config.labels},
                 {"ExposedPorts", object_of(config.exposed_ports)},
                 {"Volumes", object_of(config.volumes)}};
    process["Entrypoint"] = config.entrypoint && !config.entrypoint->empty() ? Json(*config.entrypoint) : Json(nullptr);
    if (!config.stop_signal.empty()) process["StopSignal"] = config.stop_signal;
    for (const auto& item : replaced.items()) process[item.key()] = item.value();
    return process;
}

// Worker.
Result<image::Digest> make_image(image::Store& store, std::string_view base, const NewImage& options,
                                 const Json& process, std::string created_by,
                                 const std::function<Result<void>(image::ByteSink&)>& produce) {
    image::LayerHistory layer{.created = sys::format_rfc3339(sys::wall_ns()),
                              .created_by = std::move(created_by),
                              .author = options.author,
                              .comment = options.comment};
    // Refused before the work of the layer: an instruction that nobody understands.
    TRY(image::extend_config(base, {.diff_id = image::Digest::of("")}, process, options.changes, options.platform));
    const auto lease = store.lease();
    layer.diff_id = TRY(store.add_layer(produce, *lease), "make the layer");
    const auto config = TRY(image::extend_config(base, layer, process, options.changes, options.platform));
    auto id = image::Digest::of(config);
    lease->hold(id);
    TRY(store.put_blob(id, config));
    TRY(store.add_image(id, {}, options.tag, {}));
    return id;
}

Result<void> copy_all(image::ByteSource& from, image::ByteSink& to) {
    std::vector<std::uint8_t> piece(kPiece);
    while (const auto got = TRY(from.read(piece))) TRY(to.write({reinterpret_cast<const char*>(piece.data()), got}));
    return {};
}

Event image_event(std::string action, const image::Digest& id) {
    return {.type = "image", .action = std::move(action), .id = id.text(), .attributes = {{"name", id.text()}}};
}

}  // namespace

Task<image::Digest> EngineImpl::commit(std::string container, NewImage options) {
    auto live = CO_TRY(find(container));
    if (live->record.image.empty()) {
        co_return fail(Kind::unsupported, "container {} runs on the machine's own root file system: nothing to commit",
                       live->record.name);
    }
    co_return co_await shielded(commit_body(std::move(live), std::move(options)));
}

Task<image::Digest> EngineImpl::commit_body(LivePtr live, NewImage options) {
    const auto at_work = image_work_.enter();
    bool pauses = options.pause && live->record.state.status == Status::running;
    if (pauses) {
        auto paused = co_await pause(live->record.id, true);
        pauses = paused || live->record.state.status == Status::running;  // else it has ended meanwhile: nothing writes
        if (pauses) CO_TRY(std::move(paused), "pause the container (leave out with --pause=false)");
    }
    const Container record = live->record;
    auto made = co_await on_bulk([&]() -> Result<image::Digest> {
        auto& store = *parts_.store;
        const auto rootfs = TRY(store.rootfs(record.id));
        const auto base = TRY(store.find(record.image.text()), "the image of the container");
        Fd upper = TRY(sys::open_path(rootfs.upper, O_RDONLY | O_DIRECTORY));
        image::TreeArchive changes(std::move(upper), {}, {}, image::Upper::overlay);
        const auto command = join(record.config.cmd.value_or(std::vector<std::string>()), " ");
        return make_image(store, base.raw_config, options, process_of(record, options.process), command,
                          [&](auto& sink) { return copy_all(changes, sink); });
    });
    if (pauses && live->record.state.status == Status::paused) {
        auto resumed = co_await pause(live->record.id, false);
        if (made) CO_TRY(std::move(resumed));
    }
    if (made) {
        events_.container(record, "commit",
                          {{"comment", options.comment}, {"imageID", made->text()}, {"imageRef", options.tag}});
    }
    co_return made;
}

Task<image::Digest> EngineImpl::import_image(Fd archive, NewImage options) {
    co_return co_await import_from(std::move(archive), std::move(options), nullptr);
}

Task<image::Digest> EngineImpl::import_from(Fd archive, NewImage options,
                                            std::shared_ptr<const std::atomic<bool>> whole) {
    const auto at_work = image_work_.enter();
    auto made = co_await on_bulk([&]() -> Result<image::Digest> {
        const Fd file = std::move(archive);
        return make_image(*parts_.store, {}, options, options.process, "", [&](auto& sink) -> Result<void> {
            std::atomic<std::uint64_t> read = 0;
            const auto plain = image::limit_inflation(
                TRY(image::decompress(image::file_source(file, &read)), "read the archive"), read, {});
            TRY(copy_all(*plain, sink));
            if (whole && !*whole) return fail(Kind::unavailable, "the archive broke off");
            return {};
        });
    });
    if (made) events_.publish(image_event("import", *made));
    co_return made;
}

Task<image::Pushed> EngineImpl::push(image::Reference reference, std::optional<image::Credentials> credentials,
                                     image::ProgressSink progress) {
    auto pushed = co_await parts_.registry->push(reference, std::move(credentials), std::move(progress));
    if (pushed) {
        const auto name = reference.familiar();
        events_.publish({.type = "image", .action = "push", .id = name, .attributes = {{"name", name}}});
    }
    co_return pushed;
}

Task<image::Described> EngineImpl::describe_image(image::Reference reference,
                                                  std::optional<image::Credentials> credentials) {
    co_return co_await parts_.registry->describe(std::move(reference), std::move(credentials));
}

}  // namespace diatom::engine
