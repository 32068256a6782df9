// A container's files as `docker cp` shows them, running or not: its root file system with its volumes, binds and
// /etc files, but neither /proc, /dev nor tmpfs, nor what its own processes mounted. A mount namespace of its own holds
// it together; no device of the container can be opened through it. Thread side: any; open() blocks.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "base/fd.h"
#include "engine/engine.h"

namespace diatom::engine {

enum class Binds : std::uint8_t { shown, left_out };

class FileView {
public:
    FileView() = default;  // of nothing
    // `rootfs`: of a container that does not run, whose root is mounted anew. The caller keeps it from starting while
    // the view lives: overlayfs leaves open what two mounts of one upper directory do to each other.
    static Result<FileView> open(const Container& container, const std::optional<image::RootFs>& rootfs, Binds binds);

    FdRef root() const noexcept { return root_; }

private:
    FileView(Fd mounts, Fd root) : mounts_(std::move(mounts)), root_(std::move(root)) {}
    Fd mounts_, root_;
};

// A path of a client's: links on the way are followed inside the root, one at its end is not, unless "/" or "/."
// follows it. ".." is taken away lexically, as the docker CLI does.
struct FoundPath {
    PathStat about;
    Fd place;          // a directory: itself; anything else: the directory that it is in
    std::string name;  // in `place`; empty for a directory
};
Result<FoundPath> find_path(FdRef root, const std::string& path);

// "a//b/../c/." -> "/a/c/."
std::string clean_path(const std::string& path);

}  // namespace diatom::engine
