// Project quotas: a limit on the disk space of directory trees (ext4 with the features quota and project;
// quotactl_fd(2), Linux 5.14; FS_IOC_FSSETXATTR). What is made below a directory of a project belongs to the project,
// and statfs(2) there tells its limit. A file is not moved or linked from one project into another (EXDEV).
// Thread side: any; needs CAP_SYS_ADMIN.
#pragma once

#include <cstdint>

#include "base/error.h"
#include "base/fd.h"

namespace diatom::sys {

// From 1; 0 is that of everything without a limit.
using Project = std::uint32_t;

// Turns limits on for the file system of `directory`, until it is unmounted. unsupported: it has no project quotas.
Result<void> enforce_project_limits(FdRef directory);

Result<Project> project_of(FdRef directory);
// For an empty directory: what it has already stays with its old project.
Result<void> set_project(FdRef directory, Project project);

// Without usage and without a limit, on the file system of `directory`.
Result<bool> is_free(FdRef directory, Project project);
// Bytes, rounded up to KiB; 0 takes the limit away. Writing beyond it fails with EDQUOT.
Result<void> limit_project(FdRef directory, Project project, std::uint64_t bytes);

}  // namespace diatom::sys
