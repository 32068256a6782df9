// Legacy links as containers come, start, change their names, and as clients remove them.
#include "base/strings.h"
#include "engine/engine_impl.h"
#include "engine/etc_files.h"
#include "engine/legacy_links.h"
#include "sys/log.h"

namespace diatom::engine {

Result<void> EngineImpl::find_links(Container& container) const {
    for (const auto& text : container.config.links) {
        auto names = TRY(parse_link(text));
        const auto target = find(names.target);
        // Not "not found": the docker CLI would take the image for what is missing, and pull it.
        if (!target)
            return fail(Kind::invalid, "could not get container for {}: {}", names.target, target.error().what());
        container.links.push_back(
            {.container = (*target)->record.id, .name = (*target)->record.name, .alias = std::move(names.alias)});
    }
    return {};
}

// As a start finds the targets. What links to a container that is gone goes with it.
Result<void> EngineImpl::follow_links(Container& next) const {
    next.link_env.clear();
    std::erase_if(next.links, [&](const auto& link) { return !containers_.contains(link.container); });
    for (auto& link : next.links) {
        const auto& target = containers_.at(link.container)->record;
        TRY(refresh_link(next, link, target));
        std::ranges::move(link_variables(next, link, target), std::back_inserter(next.link_env));
    }
    return {};
}

// The target has another address or name: those who link to it follow, where they can.
asio::awaitable<void> EngineImpl::update_linked(std::string id) {
    std::vector<LivePtr> linked;
    for (const auto& [other, live] : containers_) {
        if (std::ranges::contains(live->record.links, id, &ContainerLink::container)) linked.push_back(live);
    }
    for (const auto& live : linked) {
        const auto guard = co_await live->lock.lock();
        const auto target = containers_.find(id);
        if (live->removed || target == containers_.end()) continue;
        Container next = live->record;
        for (auto& link : next.links) {
            if (link.container == id) std::ignore = refresh_link(next, link, target->second->record);
        }
        co_await keep_links(live, next);
    }
}

// Under the lock.
asio::awaitable<void> EngineImpl::keep_links(LivePtr live, const Container& next) {
    if (live->active()) {
        const Container before = live->record;
        auto written = co_await on_pool([&] { return update_etc_files(before, next); });
        if (!written)
            log::warning("a container's hosts file is not updated",
                         {{"id", next.id}, {"error", written.error().what()}});
    }
    live->record.links = next.links;
    live->record.config.links = next.config.links;
    if (auto saved = co_await save(live); !saved)
        log::error("a container's links are not saved", {{"id", next.id}, {"error", saved.error().what()}});
}

Task<void> EngineImpl::remove_link(std::string name) { co_return co_await shielded(remove_link_body(std::move(name))); }

Task<void> EngineImpl::remove_link_body(std::string name) {
    const auto whole = std::string_view(name).substr(name.starts_with('/') ? 1 : 0);
    const auto halves = cut_last(whole, '/');
    if (!halves) co_return fail(Kind::conflict, "Conflict, cannot remove the default link name of the container");
    const auto live = CO_TRY(find(std::string(halves->first)), "cannot get parent for link name {}", name);
    const auto guard = co_await live->lock.lock();
    Container next = live->record;
    const auto gone = std::ranges::find(next.links, halves->second, &ContainerLink::alias);
    if (gone == next.links.end()) co_return fail(Kind::not_found, "No such link: {}", name);
    std::erase_if(next.config.links, [&](const auto& text) {
        const auto names = parse_link(text);
        return names && names->alias == gone->alias;
    });
    next.links.erase(gone);
    co_await keep_links(live, next);
    co_return Result<void>();
}

}  // namespace diatom::engine
