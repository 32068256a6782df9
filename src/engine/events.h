// The last 1,024 events and who listens. Thread side: the loop's thread.
#pragma once

#include <deque>
#include <functional>
#include <list>
#include <memory>

#include "engine/model.h"

namespace diatom::engine {

class Events {
public:
    void publish(Event event);
    // Replays what is younger than `since` (0: nothing), then calls for each new one until the handle dies.
    std::shared_ptr<void> subscribe(std::int64_t since, std::function<void(const Event&)> handler);

    std::size_t listeners() const noexcept { return handlers_->size(); }

    // type "container", with name, image and labels as attributes, as Docker's.
    void container(const Container& container, std::string action, std::map<std::string, std::string> attributes = {});
    // Of each volume that it uses: "mount" when it starts, "unmount" when it has ended.
    void volumes(const Container& container, const std::string& action);

private:
    using Handler = std::function<void(const Event&)>;
    std::deque<Event> ring_;
    std::shared_ptr<std::list<std::shared_ptr<Handler>>> handlers_ =
        std::make_shared<std::list<std::shared_ptr<Handler>>>();
};

}  // namespace diatom::engine
