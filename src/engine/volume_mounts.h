// What the options of a local volume ask for.
//
// A mount: `docker volume create -o type=… -o device=… -o o=…`. Mounted on the volume's _data
// while a container that uses it runs, in the engine's mount namespace.
//
// The mounts end with the engine, the containers keep theirs: for a container that starts after that it is mounted
// anew, which only a tmpfs shows (it is another one).
//
// Thread side: any; blocks.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/model.h"

namespace diatom::engine {

// `-o size=…`, in bytes; 0: no limit.
std::uint64_t size_limit_of(const Volume& volume);

// Refuses, as Docker, unknown and missing options; and file systems that this kernel does not have.
Result<void> check_volume_options(const std::map<std::string, std::string>& options);

class VolumeMounts {
public:
    // Does nothing for a volume that is no mount. `holder`: a container.
    Result<void> hold(const Volume& volume, const std::string& holder);
    void release(const std::string& holder);
    std::vector<std::string> held();  // mount points

private:
    struct Entry {
        std::string mountpoint;
        std::set<std::string> holders;
    };
    std::mutex mutex_;
    std::map<std::string, Entry> entries_;  // by the volume's name
};

}  // namespace diatom::engine
