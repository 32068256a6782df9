#include "sys/file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/strings.h"
#include "sys/retry.h"

namespace diatom::sys {
namespace {

constexpr std::size_t kSendSize = std::size_t{1} << 30U;

// A rename anywhere on the machine makes openat2 give EAGAIN while it resolves ".."; it settles within a few tries.
constexpr int kResolveTries = 128;

int base_fd(FdRef dir) noexcept { return dir ? dir.raw() : AT_FDCWD; }

bool creates(int flags) noexcept { return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE; }

Result<Fd> new_memory_file(const std::string& name) {
    Fd fd(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!fd) return fail_errno(errno, "make memory file {}", name);
    return fd;
}

Result<void> seal_memory_file(FdRef fd, const std::string& name) {
    constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
    if (::fcntl(fd.raw(), F_ADD_SEALS, kSeals) < 0) return fail_errno(errno, "seal memory file {}", name);
    return {};
}

Result<void> write_once(FdRef fd, std::string_view value, const std::string& name) {
    const ssize_t written = retry_interrupted([&] { return ::write(fd.raw(), value.data(), value.size()); });
    if (written < 0) return fail_errno(errno, "write \"{}\" to {}", trim(value), name);
    if (static_cast<std::size_t>(written) != value.size()) {
        return fail(Kind::io, "write \"{}\" to {}: the kernel took {} of {} bytes", trim(value), name, written,
                    value.size());
    }
    return {};
}

// The file beside `path` that becomes it, locked. Its name is fixed, so that what a power cut leaves is reused, and the
// lock keeps two writers of one path apart.
Result<Fd> open_successor(const std::string& next, mode_t mode) {
    for (;;) {
        auto fd = TRY(open_path(next, O_WRONLY | O_CREAT | O_NOFOLLOW, mode));
        if (retry_interrupted([&] { return ::flock(fd.raw(), LOCK_EX); }) < 0)
            return fail_errno(errno, "lock {}", next);
        struct stat ours{};
        struct stat named{};
        if (::fstat(fd.raw(), &ours) < 0) return fail_errno(errno, "stat {}", next);
        // The writer that held the lock before has renamed this file away: begin again with a new one.
        if (::lstat(next.c_str(), &named) < 0 || named.st_ino != ours.st_ino || named.st_dev != ours.st_dev) continue;
        if (::ftruncate(fd.raw(), 0) < 0) return fail_errno(errno, "truncate {}", next);
        if (::fchmod(fd.raw(), mode) < 0) return fail_errno(errno, "set the mode of {}", next);
        return fd;
    }
}

struct SplitPath {
    std::string directory, name;
};

SplitPath split_path(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return {".", path};
    return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

// Under a name of its own first: who reads `path` finds the old bytes or the new ones.
Result<void> put_in_place(const std::string& path, std::string_view bytes, mode_t mode, bool synced) {
    const auto [directory, name] = split_path(path);
    const std::string next = std::format("{}/.{}.new", directory, name);
    auto fd = TRY(open_successor(next, mode), "replace {}", path);
    auto replaced = write_all(fd, bytes);
    if (replaced && synced) replaced = sync_fd(fd);
    if (replaced) replaced = rename_path(next, path);
    if (replaced) return {};
    ::unlink(next.c_str());
    return Failure(std::move(replaced).error().in(std::format("replace {}", path)));
}

}  // namespace

Result<Fd> open_at(FdRef dir, const std::string& path, int flags, mode_t mode) {
    const int fd = retry_interrupted([&] { return ::openat(base_fd(dir), path.c_str(), flags | O_CLOEXEC, mode); });
    if (fd < 0) return fail_errno(errno, "open {}", path);
    return Fd(fd);
}

Result<Fd> open_path(const std::string& path, int flags, mode_t mode) { return open_at(FdRef(), path, flags, mode); }

Result<Fd> open_in_root(FdRef root, const std::string& path, int flags, mode_t mode) {
    struct open_how how{};
    how.flags = static_cast<std::uint64_t>(static_cast<unsigned>(flags | O_CLOEXEC));
    how.mode = creates(flags) ? mode : 0;  // openat2 refuses a mode that has no use
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    const char* name = path.empty() ? "." : path.c_str();
    for (int tries = 0;; ++tries) {
        const long fd = ::syscall(SYS_openat2, root.raw(), name, &how, sizeof how);
        if (fd >= 0) return Fd(static_cast<int>(fd));
        const bool settles = errno == EAGAIN || errno == EINTR;
        if (!settles || tries == kResolveTries) return fail_errno(errno, "open {} in its root", path);
    }
}

Result<std::string> read_all(FdRef fd, std::size_t limit) {
    constexpr std::size_t kStep = 16U << 10U;
    std::string bytes;
    for (;;) {
        const std::size_t have = bytes.size();
        // One byte more than the limit is asked for, which tells a file of exactly that size from a longer one.
        const std::size_t want = std::min(std::max(kStep, have), limit + 1 - have);
        ssize_t got = 0;
        bytes.resize_and_overwrite(have + want, [&](char* buffer, std::size_t) {
            got = retry_interrupted([&] { return ::read(fd.raw(), buffer + have, want); });
            return have + (got > 0 ? static_cast<std::size_t>(got) : 0);
        });
        if (got < 0) return fail_errno(errno, "read");
        if (got == 0) return bytes;
        if (bytes.size() > limit) return fail(Kind::exhausted, "read: longer than {}", format_bytes(limit));
    }
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
    auto fd = TRY(open_path(path, O_RDONLY));
    return TRY(read_all(fd, limit), "{}", path);
}

Result<void> write_all(FdRef fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = retry_interrupted([&] { return ::write(fd.raw(), bytes.data(), bytes.size()); });
        if (written < 0) return fail_errno(errno, "write");
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

Result<void> write_control(const std::string& path, std::string_view value) {
    auto fd = TRY(open_path(path, O_WRONLY));
    return write_once(fd, value, path);
}

Result<void> write_control_at(FdRef dir, const std::string& name, std::string_view value) {
    auto fd = TRY(open_at(dir, name, O_WRONLY));
    return write_once(fd, value, name);
}

Result<void> write_file_atomic(const std::string& path, std::string_view bytes, mode_t mode) {
    TRY(put_in_place(path, bytes, mode, true));
    TRY(sync_dir(split_path(path).directory), "replace {}", path);
    return {};
}

Result<void> replace_file(const std::string& path, std::string_view bytes, mode_t mode) {
    return put_in_place(path, bytes, mode, false);
}

Result<void> write_file(const std::string& path, std::string_view bytes, mode_t mode) {
    auto fd = TRY(open_path(path, O_WRONLY | O_CREAT | O_TRUNC, mode));
    TRY(write_all(fd, bytes), "{}", path);
    return {};
}

Result<void> remove_file(const std::string& path) {
    if (::unlink(path.c_str()) < 0 && errno != ENOENT) return fail_errno(errno, "remove {}", path);
    return {};
}

Result<void> rename_path(const std::string& from, const std::string& to) {
    if (::rename(from.c_str(), to.c_str()) < 0) return fail_errno(errno, "rename {} to {}", from, to);
    return {};
}

Result<void> name_file(FdRef file, const std::string& path) {
    TRY(remove_file(path));
    const auto from = std::format("/proc/self/fd/{}", file.raw());
    if (::linkat(AT_FDCWD, from.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) < 0)
        return fail_errno(errno, "name {}", path);
    return {};
}

Result<void> sync_fd(FdRef fd) {
    if (retry_interrupted([&] { return ::fsync(fd.raw()); }) < 0) return fail_errno(errno, "fsync");
    return {};
}

Result<void> sync_dir(const std::string& path) {
    auto fd = TRY(open_path(path, O_RDONLY | O_DIRECTORY));
    TRY(sync_fd(fd), "{}", path);
    return {};
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

Result<struct stat> stat_path(const std::string& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) < 0) return fail_errno(errno, "stat {}", path);
    return status;
}

Result<std::string> read_link(const std::string& path) {
    std::string target(4096, '\0');  // PATH_MAX: the kernel stores no longer link
    const ssize_t length = ::readlink(path.c_str(), target.data(), target.size());
    if (length < 0) return fail_errno(errno, "read link {}", path);
    target.resize(static_cast<std::size_t>(length));
    return target;
}

Result<Space> free_space(const std::string& path) {
    struct statvfs status{};
    if (::statvfs(path.c_str(), &status) < 0) return fail_errno(errno, "free space of {}", path);
    return Space{.total = static_cast<std::uint64_t>(status.f_blocks) * status.f_frsize,
                 .free = static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize};
}

Result<Fd> memory_file(const std::string& name, std::string_view bytes, bool seal) {
    Fd fd = TRY(new_memory_file(name));
    TRY(write_all(fd, bytes), "memory file {}", name);
    if (::lseek(fd.raw(), 0, SEEK_SET) < 0) return fail_errno(errno, "rewind memory file {}", name);
    if (seal) TRY(seal_memory_file(fd, name));
    return fd;
}

Result<Fd> memory_copy(const std::string& name, FdRef source) {
    Fd fd = TRY(new_memory_file(name));
    for (;;) {
        const ssize_t sent = retry_interrupted([&] { return ::sendfile(fd.raw(), source.raw(), nullptr, kSendSize); });
        if (sent < 0) return fail_errno(errno, "copy into memory file {}", name);
        if (sent == 0) break;
    }
    if (::lseek(fd.raw(), 0, SEEK_SET) < 0) return fail_errno(errno, "rewind memory file {}", name);
    TRY(seal_memory_file(fd, name));
    return fd;
}

Result<std::size_t> count_open_fds() {
    const auto numbers = TRY(list_dir("/proc/self/fd"));
    return numbers.size() - 1;  // without the one that reads the directory
}

}  // namespace diatom::sys
