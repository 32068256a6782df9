#include "engine/events.h"

#include <algorithm>

#include "sys/clock.h"

namespace diatom::engine {

void Events::publish(Event event) {
    constexpr std::size_t kKept = 1024;
    if (event.time == 0) event.time = sys::wall_ns();
    ring_.push_back(event);
    if (ring_.size() > kKept) ring_.pop_front();
    // A copy: a handler may end its own or another's subscription.
    const std::vector<std::shared_ptr<Handler>> handlers(handlers_->begin(), handlers_->end());
    for (const auto& handler : handlers) {
        if (std::ranges::contains(*handlers_, handler)) (*handler)(event);
    }
}

std::shared_ptr<void> Events::subscribe(std::int64_t since, std::function<void(const Event&)> handler) {
    if (since != 0) {
        for (const auto& event : std::vector<Event>(ring_.begin(), ring_.end())) {
            if (event.time >= since) handler(event);
        }
    }
    auto entry = std::make_shared<Handler>(std::move(handler));
    handlers_->push_back(entry);
    return std::shared_ptr<void>(entry.get(), [list = handlers_, entry](void*) { list->remove(entry); });
}

void Events::container(const Container& container, std::string action, std::map<std::string, std::string> attributes) {
    for (const auto& [key, value] : container.config.labels) attributes.emplace(key, value);
    attributes["name"] = container.name;
    attributes["image"] = container.config.image;
    publish(
        {.type = "container", .action = std::move(action), .id = container.id, .attributes = std::move(attributes)});
}

void Events::volumes(const Container& container, const std::string& action) {
    for (const auto& use : container.volumes) {
        std::map<std::string, std::string> attributes = {{"container", container.id}, {"driver", "local"}};
        if (action == "mount") {
            attributes["destination"] = use.target;
            attributes["propagation"] = "";
            attributes["read/write"] = use.read_only ? "false" : "true";
        }
        publish({.type = "volume", .action = action, .id = use.name, .attributes = std::move(attributes)});
    }
}

}  // namespace diatom::engine
