// Starts containers by their label cron.schedule, whoever made them. Thread side: one thread; blocks.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "compose/docker_client.h"
#include "config/schedule.h"
#include "service/preload.h"

namespace diatom::service {

class Timers {
public:
    Timers(std::vector<compose::Client> engines, Say say) : engines_(std::move(engines)), say_(std::move(say)) {}

    // Looks which there are, starts what has become due since the last look, and says how many seconds there are until
    // the next look: a minute at most, for containers come and go, and clocks are set. One that still runs is left
    // alone, times that passed since the last look are made up for by one start.
    std::int64_t look(std::int64_t now);
    bool empty() const noexcept { return timers_.empty(); }

private:
    struct Timer {
        std::string schedule;
        config::Schedule when;
        std::int64_t due = 0;  // seconds since 1970
        bool seen = false;
    };

    void find(std::size_t engine, std::int64_t now);
    void start(std::size_t engine, const std::string& name);

    std::vector<compose::Client> engines_;
    Say say_;
    std::map<std::pair<std::size_t, std::string>, Timer> timers_;  // by engine and container's name
    std::set<std::pair<std::string, std::string>> bad_;            // what was said of: name and schedule
    std::int64_t last_ = 0;                                        // look
};

}  // namespace diatom::service
