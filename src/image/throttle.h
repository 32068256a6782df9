// Progress at a pace that a terminal can show: a repeated status of one layer passes ten times a second.
// Thread side: any; locked.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "image/store.h"
#include "sys/clock.h"

namespace diatom::image {

class Throttle {
public:
    explicit Throttle(ProgressSink sink) : sink_(std::move(sink)), state_(std::make_shared<State>()) {}

    void operator()(const Progress& progress) const {
        {
            const std::lock_guard guard(state_->mutex);
            auto& last = state_->layers[progress.id];
            const auto now = sys::monotonic_ns();
            if (last.status == progress.status && now - last.time < kInterval) return;
            last = {progress.status, now};
        }
        sink_(progress);
    }

private:
    static constexpr std::int64_t kInterval = 100'000'000;
    struct Last {
        std::string status;
        std::int64_t time = 0;
    };
    struct State {
        std::mutex mutex;
        std::map<std::string, Last> layers;
    };
    ProgressSink sink_;
    std::shared_ptr<State> state_;
};

}  // namespace diatom::image
