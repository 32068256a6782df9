// Control groups, version 2 only. Thread side: any. Paths are relative to the mount, without a leading slash.
// Source: Documentation/admin-guide/cgroup-v2.rst of Linux 6.12.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/fd.h"

namespace diatom::sys {

class Cgroup {
public:
    // /sys/fs/cgroup, or where the unified hierarchy is mounted on a mixed host (/sys/fs/cgroup/unified).
    static Result<std::string> mount_point();

    // Makes the group and its missing parents and enables in each parent every controller that it has.
    static Result<Cgroup> create(const std::string& path);
    static Result<Cgroup> open(const std::string& path);

    FdRef fd() const noexcept { return dir_; }
    const std::string& path() const noexcept { return path_; }

    Result<void> set(const std::string& file, const std::string& value) const;
    Result<std::string> get(const std::string& file) const;
    using Flat = std::map<std::string, std::uint64_t>;  // "key value" lines
    Result<Flat> get_flat(const std::string& file) const;
    Result<void> attach(int pid) const;
    Result<std::vector<int>> pids() const;  // of the whole subtree
    Result<bool> populated() const;         // cgroup.events
    Result<void> kill() const;              // cgroup.kill (Linux 5.14), the whole subtree
    Result<void> freeze(bool frozen) const;
    // Removes the group and its subgroups once empty; retries briefly, since zombies leave late.
    static Result<void> remove(const std::string& path);

private:
    Cgroup(std::string path, Fd dir) : path_(std::move(path)), dir_(std::move(dir)) {}
    std::string path_;
    Fd dir_;
};

}  // namespace diatom::sys
