// Brings the services of one engine up side by side, each when what it depends on is there. One that fails costs those
// that need it, and no other; what a registry or a network that is not there yet refuses is tried again, ever more
// seldom. Thread side: one thread calls; a thread for each service, which ends with run().
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "compose/runner.h"
#include "service/definitions.h"

namespace diatom::service {

enum class Stage : std::uint8_t { waiting, started, failed };

struct Progress {
    Stage stage = Stage::waiting;
    std::string why;  // of a failure, or of the last attempt that is to be repeated
};

// Waits until a service of the machine's own is there; an error: it never will be.
using OwnWaiter = std::function<Result<void>(const OwnDependency&)>;

class Starter {
public:
    struct Options {
        compose::UpOptions up = {};
        std::set<std::string> chosen = {};  // with what they depend on; empty: all
        bool retries = true;
        OwnWaiter own = {};  // absent: they are taken to be there
        compose::Runner::Report report = {};
    };

    Starter(const compose::Client& client, const Definitions& definitions, Options options)
        : client_(client), definitions_(definitions), options_(std::move(options)) {}

    // Until each has started or failed.
    std::map<std::string, Progress> run();

private:
    void follow(const std::string& service);
    Result<void> await_needs(const std::string& service);
    Result<void> bring_up(const std::string& service);
    Result<void> attempt(const std::string& service);
    void move(const std::string& service, Progress progress);
    std::set<std::string> wanted() const;

    const compose::Client& client_;
    const Definitions& definitions_;
    Options options_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, Progress> board_;  // guarded by mutex_
    std::mutex saying_;                      // around options_.report
};

}  // namespace diatom::service
