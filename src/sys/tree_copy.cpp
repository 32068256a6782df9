#include "sys/tree_copy.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <map>
#include <string>
#include <vector>

#include "sys/file.h"

namespace diatom::sys {
namespace {

constexpr int kMaxDepth = 512;

class Copier {
public:
    Result<void> directory(FdRef from, FdRef to, int depth);

private:
    Result<void> entry(FdRef from, FdRef to, const std::string& name, int depth);
    Result<void> file(FdRef from, FdRef to, const std::string& name, const struct stat& status);
    static Result<void> special(FdRef from, FdRef to, const std::string& name, const struct stat& status);
    static Result<void> attributes(FdRef from, FdRef to, const struct stat& status);

    struct Place {
        std::string link;  // name of the first copy
        Fd directory;
    };
    std::map<std::pair<dev_t, ino_t>, Place> linked_;
};

Result<struct stat> stat_fd(FdRef fd) {
    struct stat status{};
    if (::fstat(fd.raw(), &status) < 0) return fail_errno(errno, "stat");
    return status;
}

Result<void> copy_bytes(FdRef from, FdRef to, off_t size) {
    while (size > 0) {
        const ssize_t n = ::copy_file_range(from.raw(), nullptr, to.raw(), nullptr, static_cast<std::size_t>(size), 0);
        if (n == 0) return {};
        if (n > 0) {
            size -= n;
            continue;
        }
        if (errno != EXDEV && errno != EINVAL && errno != ENOSYS) return fail_errno(errno, "copy");
        std::array<char, 65536> buffer{};
        for (;;) {
            const ssize_t got = ::read(from.raw(), buffer.data(), buffer.size());
            if (got < 0) return fail_errno(errno, "read");
            if (got == 0) return {};
            TRY(write_all(to, {buffer.data(), static_cast<std::size_t>(got)}));
        }
    }
    return {};
}

void copy_xattrs(FdRef from, FdRef to) {
    std::array<char, 4096> names{};
    const ssize_t size = ::flistxattr(from.raw(), names.data(), names.size());
    for (ssize_t at = 0; at < size;) {
        const std::string name(names.data() + at);
        at += static_cast<ssize_t>(name.size()) + 1;
        if (name.starts_with("trusted.overlay.")) continue;
        std::array<char, 4096> value{};
        const ssize_t length = ::fgetxattr(from.raw(), name.c_str(), value.data(), value.size());
        // Not every file system takes every attribute; the copy is good without.
        if (length >= 0) (void)::fsetxattr(to.raw(), name.c_str(), value.data(), static_cast<std::size_t>(length), 0);
    }
}

Result<void> Copier::attributes(FdRef from, FdRef to, const struct stat& status) {
    if (::fchown(to.raw(), status.st_uid, status.st_gid) < 0) return fail_errno(errno, "chown");
    if (::fchmod(to.raw(), status.st_mode & 07777U) < 0) return fail_errno(errno, "chmod");
    copy_xattrs(from, to);
    const std::array<timespec, 2> times = {status.st_atim, status.st_mtim};
    if (::futimens(to.raw(), times.data()) < 0) return fail_errno(errno, "set times");
    return {};
}

Result<void> Copier::file(FdRef from, FdRef to, const std::string& name, const struct stat& status) {
    if (status.st_nlink > 1) {
        const auto known = linked_.find({status.st_dev, status.st_ino});
        if (known != linked_.end()) {
            const auto& place = known->second;
            if (::linkat(place.directory.raw(), place.link.c_str(), to.raw(), name.c_str(), 0) < 0)
                return fail_errno(errno, "link");
            return {};
        }
        linked_[{status.st_dev, status.st_ino}] = {.link = name,
                                                   .directory = TRY(open_at(to, ".", O_PATH | O_DIRECTORY))};
    }
    const Fd source = TRY(open_at(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    const Fd copy = TRY(open_at(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    TRY(copy_bytes(source, copy, status.st_size));
    return attributes(source, copy, status);
}

Result<void> Copier::special(FdRef from, FdRef to, const std::string& name, const struct stat& status) {
    if (S_ISLNK(status.st_mode)) {
        std::string target(static_cast<std::size_t>(status.st_size) + 1, '\0');
        const ssize_t n = ::readlinkat(from.raw(), name.c_str(), target.data(), target.size());
        if (n < 0) return fail_errno(errno, "read link");
        target.resize(static_cast<std::size_t>(n));
        if (::symlinkat(target.c_str(), to.raw(), name.c_str()) < 0) return fail_errno(errno, "make link");
    } else if (::mknodat(to.raw(), name.c_str(), status.st_mode, status.st_rdev) < 0) {
        return fail_errno(errno, "make node");
    }
    if (::fchownat(to.raw(), name.c_str(), status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
        return fail_errno(errno, "chown");
    return {};
}

Result<void> Copier::entry(FdRef from, FdRef to, const std::string& name, int depth) {
    struct stat status{};
    if (::fstatat(from.raw(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) return fail_errno(errno, "stat");
    if (S_ISREG(status.st_mode)) return file(from, to, name, status);
    if (!S_ISDIR(status.st_mode)) return special(from, to, name, status);
    if (::mkdirat(to.raw(), name.c_str(), 0700) < 0) return fail_errno(errno, "make directory");
    const Fd source = TRY(open_at(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    const Fd copy = TRY(open_at(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    return directory(source, copy, depth + 1);
}

Result<void> Copier::directory(FdRef from, FdRef to, int depth) {
    if (depth > kMaxDepth) return fail(Kind::invalid, "directories are nested deeper than {} levels", kMaxDepth);
    for (const auto& name : TRY(list_dir_fd(from))) TRY(entry(from, to, name, depth), "{}", name);
    return attributes(from, to, TRY(stat_fd(from)));
}

}  // namespace

Result<void> copy_tree(FdRef from, FdRef to) { return Copier().directory(from, to, 0); }

}  // namespace diatom::sys
