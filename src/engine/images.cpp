// Images: the store and the registry client, with the engine's names and events.
#include "engine/engine_impl.h"
#include "image/save.h"
#include "sys/log.h"

namespace diatom::engine {
namespace {

Event image_event(std::string action, const std::string& id) {
    return {.type = "image", .action = std::move(action), .id = id, .attributes = {{"name", id}}};
}

// Docker's words for what the store does not find.
template <class T>
Result<T> named(Result<T> result, const std::string& name) {
    if (!result && result.error().kind() == Kind::not_found) return fail(Kind::not_found, "No such image: {}", name);
    return result;
}

}  // namespace

Task<image::Pulled> EngineImpl::pull(image::Reference reference, image::Platform platform,
                                     std::optional<image::Credentials> credentials, image::ProgressSink progress) {
    const auto at_work = image_work_.enter();
    auto pulled = co_await parts_.registry->pull(reference, platform, std::move(credentials), std::move(progress));
    if (pulled) events_.publish(image_event("pull", reference.familiar()));
    co_return pulled;
}

Task<std::vector<std::string>> EngineImpl::registry_tags(image::Reference repository,
                                                         std::optional<image::Credentials> credentials) {
    co_return co_await parts_.registry->tags(std::move(repository), std::move(credentials));
}

Task<std::vector<image::ImageRecord>> EngineImpl::images() {
    co_return co_await on_pool([this] { return parts_.store->list(); });
}

Task<image::ImageRecord> EngineImpl::image(std::string name) {
    co_return named(co_await on_pool([&] { return parts_.store->find(name); }), name);
}

Task<image::Store::Removed> EngineImpl::remove_image(std::string name, bool force) {
    const auto at_work = image_work_.enter();
    std::vector<image::Digest> in_use;
    for (const auto& [id, live] : containers_) {
        in_use.push_back(live->record.image);
        for (const auto& use : live->record.images) in_use.push_back(use.image);
    }
    auto removed = named(co_await on_bulk([&] { return parts_.store->remove(name, force, in_use); }), name);
    if (removed) {
        for (const auto& tag : removed->untagged) events_.publish(image_event("untag", tag));
        for (const auto& id : removed->deleted) events_.publish(image_event("delete", id));
    }
    co_return removed;
}

Task<void> EngineImpl::collect_images() {
    co_return co_await on_bulk([&] { return parts_.store->collect(image::Leftovers::remove); });
}

Task<void> EngineImpl::tag_image(std::string name, image::Reference reference) {
    auto tagged = co_await on_pool([&]() -> Result<void> {
        const auto found = TRY(named(parts_.store->find(name), name));
        return parts_.store->tag(found.id, reference);
    });
    if (tagged) events_.publish(image_event("tag", reference.familiar()));
    co_return tagged;
}

Task<std::vector<std::string>> EngineImpl::load_image(Fd archive, image::ProgressSink progress) {
    const auto at_work = image_work_.enter();
    // Progress comes from the worker; its sink belongs to the loop's thread.
    auto sink = std::make_shared<image::ProgressSink>(std::move(progress));
    auto loaded = co_await on_bulk([&, loop = loop_] {
        return parts_.store->load(archive, [sink, loop](const image::Progress& step) {
            if (*sink) asio::post(loop, [sink, step] { (*sink)(step); });
        });
    });
    if (loaded) {
        for (const auto& name : *loaded) events_.publish(image_event("load", name));
    }
    co_return loaded;
}

Task<std::unique_ptr<ArchiveReader>> EngineImpl::save_images(std::vector<std::string> names) {
    auto planned = co_await on_bulk([&]() -> Result<std::unique_ptr<image::ByteSource>> {
        return image::save_archive(*parts_.store, TRY(image::choose_images(*parts_.store, names)));
    });
    auto archive = CO_TRY(std::move(planned));
    for (const auto& name : names) events_.publish(image_event("save", name));
    co_return reader_of(std::move(archive), {});
}

Task<std::map<image::Digest, std::uint64_t>> EngineImpl::layer_sizes() {
    co_return co_await on_pool([this] { return parts_.store->layer_sizes(); });
}

Task<void> EngineImpl::check_login(std::string host, image::Credentials credentials) {
    co_return co_await parts_.registry->check_login(std::move(host), std::move(credentials));
}

}  // namespace diatom::engine
