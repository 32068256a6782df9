// Files and directories by descriptor. Every descriptor is CLOEXEC from birth. Thread side: any.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/fd.h"

namespace diatom::sys {

// openat(2); `flags` without O_CLOEXEC, which is always added.
Result<Fd> open_at(FdRef dir, const std::string& path, int flags, mode_t mode = 0);
Result<Fd> open_path(const std::string& path, int flags, mode_t mode = 0);

// openat2(2) with RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS (Linux 5.6): `path` cannot leave `root`, whatever links it
// crosses and whoever exchanges them meanwhile. For every path that comes from a container, an image or a client.
Result<Fd> open_in_root(FdRef root, const std::string& path, int flags, mode_t mode = 0);

// Whole contents; `limit` bytes at most (Kind::exhausted beyond). Works on /proc and /sys, whose sizes lie.
inline constexpr std::size_t kMaxFile = 64U << 20U;
Result<std::string> read_file(const std::string& path, std::size_t limit = kMaxFile);
Result<std::string> read_all(FdRef fd, std::size_t limit = kMaxFile);

Result<void> write_all(FdRef fd, std::string_view bytes);
// One write(2) to an existing file: for /proc, /sys and cgroup files.
Result<void> write_control(const std::string& path, std::string_view value);
Result<void> write_control_at(FdRef dir, const std::string& name, std::string_view value);
// Replaces a file so that a power cut leaves the old or the new contents: write, fsync, rename, fsync the directory.
Result<void> write_file_atomic(const std::string& path, std::string_view bytes, mode_t mode = 0644);
// The same without fsync, for what means nothing after the next boot.
Result<void> replace_file(const std::string& path, std::string_view bytes, mode_t mode = 0644);
// Not durable, not atomic: for tmpfs.
Result<void> write_file(const std::string& path, std::string_view bytes, mode_t mode = 0644);

Result<void> make_dirs(const std::string& path, mode_t mode = 0755);
// mkdir -p of `path` below `root`, resolved in the root; returns the last directory.
Result<Fd> make_dirs_in_root(FdRef root, const std::string& path, mode_t mode = 0755);
// Removes a tree without following links or crossing into another mount. A missing path is no error.
Result<void> remove_tree(const std::string& path);
Result<void> remove_tree_at(FdRef dir, const std::string& name);
// Bytes of the regular files below a directory, without following links or crossing into another mount.
Result<std::uint64_t> tree_size(const std::string& path);
Result<void> remove_file(const std::string& path);  // a missing file is no error
Result<void> rename_path(const std::string& from, const std::string& to);
Result<void> name_file(FdRef file, const std::string& path);  // one opened with O_TMPFILE; replaces what is there
Result<void> sync_fd(FdRef fd);
Result<void> sync_dir(const std::string& path);

bool exists(const std::string& path);
Result<struct stat> stat_path(const std::string& path);
Result<std::vector<std::string>> list_dir(const std::string& path);
Result<std::vector<std::string>> list_dir_fd(FdRef dir);
Result<std::string> read_link(const std::string& path);

struct Space {
    std::uint64_t total = 0, free = 0;  // bytes; free: to an unprivileged user
};
Result<Space> free_space(const std::string& path);

// An anonymous file in memory (memfd_create), sealed against changes when `seal`.
Result<Fd> memory_file(const std::string& name, std::string_view bytes, bool seal);
// The rest of `source`, sealed; copied inside the kernel.
Result<Fd> memory_copy(const std::string& name, FdRef source);

// Number of open descriptors of this process: for leak checks in tests.
Result<std::size_t> count_open_fds();

}  // namespace diatom::sys
