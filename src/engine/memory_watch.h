// Processes of a container that the kernel kills for want of memory. Thread side: as stated.
#pragma once

#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/error.h"

namespace diatom::engine {

// So far, in this run. Any thread; 0 where there is no such group.
std::uint64_t count_memory_kills(const std::string& cgroup);

// Tells that memory.events of a container's group has changed. One inotify descriptor serves all groups, so that
// nothing is open for each (the kernel tells of these files through fsnotify: kernfs_notify(), Linux 4.16). The loop's
// thread.
class MemoryWatch {
public:
    using Changed = std::function<void(const std::string& id)>;
    MemoryWatch(boost::asio::any_io_executor loop, Changed changed)
        : loop_(std::move(loop)), changed_(std::move(changed)) {}

    Result<void> add(const std::string& id, const std::string& cgroup);
    void remove(const std::string& id);

private:
    Result<void> open();
    void follow();
    void tell(std::size_t bytes);

    boost::asio::any_io_executor loop_;
    Changed changed_;
    std::optional<boost::asio::posix::stream_descriptor> notices_;
    std::array<char, 2048> buffer_{};
    std::map<int, std::string> ids_;  // by watch
    std::map<std::string, int> watches_;
};

}  // namespace diatom::engine
