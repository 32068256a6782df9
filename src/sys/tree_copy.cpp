#include "sys/tree_copy.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <string>

#include "sys/file.h"

namespace diatom::sys {
namespace {

constexpr int kMaxDepth = 512;

class Copier {
public:
    Copier(FdRef to, Attributes attributes) : root_(to), wanted_(attributes) {}
    // `path`: of the copy, below the root; empty for the root itself.
    Result<void> directory(FdRef from, FdRef to, const std::string& path, int depth);

private:
    Result<void> entry(FdRef from, FdRef to, const std::string& path, const std::string& name, int depth);
    Result<void> file(FdRef from, FdRef to, const std::string& path, const std::string& name,
                      const struct stat& status);
    Result<void> link(FdRef to, const std::string& first, const std::string& name) const;
    static Result<void> special(FdRef from, FdRef to, const std::string& name, const struct stat& status);
    Result<void> attributes(FdRef from, FdRef to, const struct stat& status) const;

    FdRef root_;
    Attributes wanted_;
    std::map<std::pair<dev_t, ino_t>, std::string> linked_;  // the path of the first copy
};

Result<struct stat> stat_fd(FdRef fd) {
    struct stat status{};
    if (::fstat(fd.raw(), &status) < 0) return fail_errno(errno, "stat");
    return status;
}

Result<void> copy_by_hand(FdRef from, FdRef to, off_t at, off_t end) {
    std::array<char, 65536> buffer{};
    while (at < end) {
        const auto wanted = std::min<off_t>(end - at, buffer.size());
        const ssize_t got = ::pread(from.raw(), buffer.data(), static_cast<std::size_t>(wanted), at);
        if (got < 0) return fail_errno(errno, "read");
        if (got == 0) return {};
        for (ssize_t done = 0; done < got;) {
            const ssize_t n = ::pwrite(to.raw(), buffer.data() + done, static_cast<std::size_t>(got - done), at + done);
            if (n < 0) return fail_errno(errno, "write");
            done += n;
        }
        at += got;
    }
    return {};
}

Result<void> copy_range(FdRef from, FdRef to, off_t at, off_t end) {
    while (at < end) {
        off_t in = at, out = at;
        const ssize_t n = ::copy_file_range(from.raw(), &in, to.raw(), &out, static_cast<std::size_t>(end - at), 0);
        if (n == 0) return {};
        if (n < 0 && errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
            return fail_errno(errno, "copy");
        if (n < 0) return copy_by_hand(from, to, at, end);
        at += n;
    }
    return {};
}

// ENXIO: nothing but a hole up to the end, or the file has become shorter.
Result<void> copy_bytes(FdRef from, FdRef to, off_t size) {
    for (off_t at = 0; at < size;) {
        const off_t data = ::lseek(from.raw(), at, SEEK_DATA);
        if (data < 0 && errno == ENXIO) break;
        if (data < 0) return fail_errno(errno, "look for data");
        const off_t hole = ::lseek(from.raw(), data, SEEK_HOLE);
        if (hole < 0 && errno == ENXIO) break;
        if (hole < 0) return fail_errno(errno, "look for holes");
        TRY(copy_range(from, to, data, std::min(hole, size)));
        at = hole;
    }
    if (::ftruncate(to.raw(), size) < 0) return fail_errno(errno, "set the size");
    return {};
}

// What is read of a file in two calls: how much there is, then that.
template <class Read>
Result<std::string> read_attribute(const Read& read) {
    std::string bytes;
    for (;;) {
        const ssize_t size = read(nullptr, 0);
        if (size < 0) return fail_errno(errno, "read extended attributes");
        bytes.resize(static_cast<std::size_t>(size));
        const ssize_t got = size == 0 ? 0 : read(bytes.data(), bytes.size());
        if (got < 0 && errno == ERANGE) continue;  // it has grown meanwhile
        if (got < 0) return fail_errno(errno, "read extended attributes");
        bytes.resize(static_cast<std::size_t>(got));
        return bytes;
    }
}

Result<void> copy_xattr(FdRef from, FdRef to, const std::string& name) {
    const auto value = TRY(read_attribute(
        [&](void* to_bytes, std::size_t size) { return ::fgetxattr(from.raw(), name.c_str(), to_bytes, size); }));
    if (::fsetxattr(to.raw(), name.c_str(), value.data(), value.size(), 0) < 0)
        return fail_errno(errno, "set {}", name);
    return {};
}

Result<void> copy_xattrs(FdRef from, FdRef to, Attributes wanted) {
    const auto names =
        read_attribute([&](char* to_bytes, std::size_t size) { return ::flistxattr(from.raw(), to_bytes, size); });
    if (!names) {
        const bool has_none = names.error().error_number() == EOPNOTSUPP;
        return wanted == Attributes::as_taken || has_none ? Result<void>() : Failure(names.error());
    }
    for (std::size_t at = 0; at < names->size();) {
        const std::string name(names->c_str() + at);
        at += name.size() + 1;
        if (wanted == Attributes::as_taken && name.starts_with("trusted.overlay.")) continue;
        auto copied = copy_xattr(from, to, name);
        if (!copied && wanted == Attributes::all) return copied;
    }
    return {};
}

Result<void> Copier::attributes(FdRef from, FdRef to, const struct stat& status) const {
    if (::fchown(to.raw(), status.st_uid, status.st_gid) < 0) return fail_errno(errno, "chown");
    if (::fchmod(to.raw(), status.st_mode & 07777U) < 0) return fail_errno(errno, "chmod");
    TRY(copy_xattrs(from, to, wanted_));
    const std::array<timespec, 2> times = {status.st_atim, status.st_mtim};
    if (::futimens(to.raw(), times.data()) < 0) return fail_errno(errno, "set times");
    return {};
}

// By its path, for a tree has more linked files than a process descriptors; resolved in the root, for whoever uses the
// copy already may exchange its directories.
Result<void> Copier::link(FdRef to, const std::string& first, const std::string& name) const {
    const auto slash = first.rfind('/');
    const auto parent = slash == std::string::npos ? std::string(".") : first.substr(0, slash);
    const Fd directory = TRY(open_in_root(root_, parent, O_PATH | O_DIRECTORY));
    const auto* last = first.c_str() + (slash == std::string::npos ? 0 : slash + 1);
    if (::linkat(directory.raw(), last, to.raw(), name.c_str(), 0) < 0) return fail_errno(errno, "link");
    return {};
}

Result<void> Copier::file(FdRef from, FdRef to, const std::string& path, const std::string& name,
                          const struct stat& status) {
    if (status.st_nlink > 1) {
        const auto [known, is_first] = linked_.try_emplace({status.st_dev, status.st_ino}, path);
        if (!is_first) return link(to, known->second, name);
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
    // mknod(2) has the umask taken away.
    if (!S_ISLNK(status.st_mode) &&
        ::fchmodat(to.raw(), name.c_str(), status.st_mode & 07777U, AT_SYMLINK_NOFOLLOW) < 0)
        return fail_errno(errno, "chmod");
    const std::array<timespec, 2> times = {status.st_atim, status.st_mtim};
    if (::utimensat(to.raw(), name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) < 0)
        return fail_errno(errno, "set times");
    return {};
}

Result<void> Copier::entry(FdRef from, FdRef to, const std::string& path, const std::string& name, int depth) {
    struct stat status{};
    if (::fstatat(from.raw(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) return fail_errno(errno, "stat");
    if (S_ISREG(status.st_mode)) return file(from, to, path, name, status);
    if (!S_ISDIR(status.st_mode)) return special(from, to, name, status);
    if (::mkdirat(to.raw(), name.c_str(), 0700) < 0) return fail_errno(errno, "make directory");
    const Fd source = TRY(open_at(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    const Fd copy = TRY(open_at(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    return directory(source, copy, path, depth + 1);
}

Result<void> Copier::directory(FdRef from, FdRef to, const std::string& path, int depth) {
    if (depth > kMaxDepth) return fail(Kind::invalid, "directories are nested deeper than {} levels", kMaxDepth);
    for (const auto& name : TRY(list_dir_fd(from)))
        TRY(entry(from, to, path.empty() ? name : path + "/" + name, name, depth), "{}", name);
    return attributes(from, to, TRY(stat_fd(from)));
}

}  // namespace

Result<void> copy_tree(FdRef from, FdRef to, Attributes attributes) {
    return Copier(to, attributes).directory(from, to, "", 0);
}

}  // namespace diatom::sys
