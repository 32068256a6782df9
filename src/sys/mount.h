// Mounts through the file-descriptor mount API (fsopen, open_tree, mount_setattr, move_mount; Linux 5.12).
// Thread side: any, but a mount namespace belongs to a thread group: only the executor and PID 1 change theirs.
#pragma once

#include <linux/mount.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "sys/process.h"

namespace diatom::sys {

struct FsOption {
    std::string key, value;  // an empty value sets a flag
};

// A detached mount of a new file system, not yet anywhere. `attributes`: MOUNT_ATTR_*.
// An error carries the file system's own message from the fsopen log.
Result<Fd> make_mount(const std::string& type, const std::vector<FsOption>& options, std::uint64_t attributes = 0);

// A detached copy of the mount at `path` (a bind mount to be), with all that is mounted below when recursive.
Result<Fd> clone_mount(FdRef dir, const std::string& path, bool recursive);

// MOUNT_ATTR_* to set and to clear, and a propagation (MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE, or 0 to keep).
struct MountChange {
    std::uint64_t set = 0, clear = 0;
    std::uint64_t propagation = 0;
    bool recursive = false;
    FdRef user_namespace = FdRef();  // idmapped mount (Linux 5.12)
};
Result<void> change_mount(FdRef mount, const MountChange& change);

// Puts a detached mount on a directory or file.
Result<void> attach_mount(FdRef mount, FdRef target);
Result<void> attach_mount(FdRef mount, const std::string& target);

// The common cases in one call; the target must exist.
Result<void> mount_fs(const std::string& type, const std::string& target, const std::vector<FsOption>& options = {},
                      std::uint64_t attributes = 0);
Result<void> bind_mount(const std::string& source, const std::string& target, bool recursive,
                        std::uint64_t attributes = 0);

Result<void> unmount(const std::string& target, int flags = 0);  // MNT_DETACH and so on; never follows a final link
Result<void> set_propagation(const std::string& target, std::uint64_t propagation, bool recursive);
bool is_mount_point(const std::string& path);  // statx STATX_ATTR_MOUNT_ROOT (Linux 5.8)
Result<std::uint64_t> mount_of(FdRef file);    // the id of the mount that it was opened on (STATX_MNT_ID, Linux 5.8)

// Runs `arrange` on a thread of its own, in a copy of our mount namespace from which nothing propagates back. What it
// mounts lasts as long as the descriptor of that namespace, which is returned; descriptors opened below those mounts
// see them from any thread.
Result<Fd> in_private_mounts(const std::function<Result<void>()>& arrange);
// A detached copy of what is mounted at `path` in a process's mount namespace, without what is mounted below.
// not_found: the process has ended, or `path` is no mount point there. Only inside in_private_mounts: the calling
// thread visits that namespace, and so `path` leads nowhere else.
Result<Fd> clone_mount_of(const ProcessId& process, const std::string& path);

struct MountPoint {
    std::string target, type, source;
};
// In order. `process`: whose mount namespace, as /proc names it ("self", "1").
Result<std::vector<MountPoint>> list_mounts(const std::string& process = "self");

}  // namespace diatom::sys
