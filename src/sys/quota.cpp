#include "sys/quota.h"

#include <linux/fs.h>
#include <linux/quota.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

// <sys/quota.h> and <linux/quota.h> cannot be included together; glibc's has no project quotas.
#ifndef QCMD
#define QCMD(command, type) (((command) << SUBCMDSHIFT) | ((type) & SUBCMDMASK))
#endif

namespace diatom::sys {
namespace {

long quotactl(FdRef directory, unsigned command, Project project, void* argument) {
    return ::syscall(SYS_quotactl_fd, directory.raw(), QCMD(command, PRJQUOTA), project, argument);
}

}  // namespace

Result<void> enforce_project_limits(FdRef directory) {
    if (quotactl(directory, Q_QUOTAON, QFMT_VFS_V1, nullptr) == 0) return {};
    switch (errno) {
        case EBUSY:
        case EEXIST: return {};  // since it was mounted, or by another engine
        case ENOSYS:
        case EINVAL:
        case ESRCH:
        case EOPNOTSUPP:
        case ENOTBLK: return fail(Kind::unsupported, "this file system has no project quotas");
        default: return fail_errno(errno, "turn project quotas on");
    }
}

Result<Project> project_of(FdRef directory) {
    fsxattr attributes{};
    if (::ioctl(directory.raw(), FS_IOC_FSGETXATTR, &attributes) != 0) {
        if (errno == ENOTTY || errno == EOPNOTSUPP) return Project{0};
        return fail_errno(errno, "read a directory's project");
    }
    return Project{attributes.fsx_projid};
}

Result<void> set_project(FdRef directory, Project project) {
    fsxattr attributes{};
    if (::ioctl(directory.raw(), FS_IOC_FSGETXATTR, &attributes) != 0)
        return fail_errno(errno, "read a directory's project");
    attributes.fsx_projid = project;
    attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
    if (::ioctl(directory.raw(), FS_IOC_FSSETXATTR, &attributes) != 0)
        return fail_errno(errno, "set a directory's project");
    return {};
}

Result<bool> is_free(FdRef directory, Project project) {
    if_dqblk quota{};
    if (quotactl(directory, Q_GETQUOTA, project, &quota) != 0) {
        if (errno == ESRCH) return fail(Kind::unsupported, "this file system has no project quotas");
        return fail_errno(errno, "read a project's quota");
    }
    return quota.dqb_curspace == 0 && quota.dqb_curinodes == 0 && quota.dqb_bhardlimit == 0;
}

Result<void> limit_project(FdRef directory, Project project, std::uint64_t bytes) {
    if_dqblk quota{};
    quota.dqb_bhardlimit = (bytes + QIF_DQBLKSIZE - 1) / QIF_DQBLKSIZE;
    quota.dqb_valid = QIF_BLIMITS;
    if (quotactl(directory, Q_SETQUOTA, project, &quota) != 0) return fail_errno(errno, "set a project's quota");
    return {};
}

}  // namespace diatom::sys
