#include "sys/mount.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/strings.h"
#include "sys/file.h"

namespace diatom::sys {
namespace {

// fsconfig(2) copies a string parameter of at most this many bytes.
constexpr std::size_t kMaxOption = 255;

int base_fd(FdRef dir) noexcept { return dir ? dir.raw() : AT_FDCWD; }

// The messages that the file system left on its context, one a read: "e overlay: …" (error), "w" warning, "i" note.
std::string context_log(FdRef context) {
    std::string log;
    std::array<char, 1024> line{};
    for (;;) {
        const ssize_t length = ::read(context.raw(), line.data(), line.size());
        if (length <= 0) return log;
        std::string_view text = trim(std::string_view(line.data(), static_cast<std::size_t>(length)));
        if (text.starts_with("e ") || text.starts_with("w ")) text.remove_prefix(2);
        else if (text.starts_with("i ")) continue;
        if (!log.empty()) log += "; ";
        log += text;
    }
}

// Takes errno first: reading the log changes it.
Failure context_failure(FdRef context, const std::string& what) {
    const int error = errno;
    const std::string log = context_log(context);
    if (log.empty()) return fail_errno(error, "{}", what);
    return fail_errno(error, "{} ({})", what, log);
}

Result<void> set_option(FdRef context, const std::string& type, const FsOption& option) {
    if (option.value.size() > kMaxOption) {
        return fail(Kind::invalid, "mount {}: the value of option \"{}\" is longer than {} bytes", type, option.key,
                    kMaxOption);
    }
    const bool flag = option.value.empty();
    const int set = ::fsconfig(context.raw(), flag ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING, option.key.c_str(),
                               flag ? nullptr : option.value.c_str(), 0);
    if (set < 0) return context_failure(context, std::format("mount {}: option {}={}", type, option.key, option.value));
    return {};
}

Result<void> set_attributes(FdRef dir, const char* path, unsigned flags, const MountChange& change) {
    struct mount_attr attributes{};
    attributes.attr_set = change.set;
    attributes.attr_clr = change.clear;
    attributes.propagation = change.propagation;
    // The access time modes are one field, not bits: it is cleared as a whole before a mode is set.
    if ((change.set & MOUNT_ATTR__ATIME) != 0) attributes.attr_clr |= MOUNT_ATTR__ATIME;
    if (change.user_namespace) {
        attributes.attr_set |= MOUNT_ATTR_IDMAP;
        attributes.userns_fd = static_cast<std::uint64_t>(change.user_namespace.raw());
    }
    if (change.recursive) flags |= AT_RECURSIVE;
    if (::mount_setattr(base_fd(dir), path, flags, &attributes, sizeof attributes) < 0) {
        return fail_errno(errno, "set mount attributes");
    }
    return {};
}

// mountinfo writes space, tab, newline and backslash as \ooo.
std::string unescape(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 3 < text.size()) {
            const int value = (text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0');
            plain += static_cast<char>(value);
            i += 3;
        } else {
            plain += text[i];
        }
    }
    return plain;
}

}  // namespace

Result<Fd> make_mount(const std::string& type, const std::vector<FsOption>& options, std::uint64_t attributes) {
    const Fd context(::fsopen(type.c_str(), FSOPEN_CLOEXEC));
    if (!context && errno == ENODEV)
        return fail(Kind::unsupported, "mount {}: this kernel has no such file system", type);
    if (!context) return fail_errno(errno, "mount {}", type);
    for (const auto& option : options) TRY(set_option(context, type, option));
    if (::fsconfig(context.raw(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0) {
        return context_failure(context, std::format("mount {}", type));
    }
    Fd mount(::fsmount(context.raw(), FSMOUNT_CLOEXEC, static_cast<unsigned>(attributes)));
    if (!mount) return context_failure(context, std::format("mount {}", type));
    return mount;
}

Result<Fd> clone_mount(FdRef dir, const std::string& path, bool recursive) {
    unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
    if (recursive) flags |= AT_RECURSIVE;
    if (path.empty()) flags |= AT_EMPTY_PATH;
    Fd mount(::open_tree(base_fd(dir), path.c_str(), flags));
    if (!mount) return fail_errno(errno, "clone mount {}", path);
    return mount;
}

Result<void> change_mount(FdRef mount, const MountChange& change) {
    return set_attributes(mount, "", AT_EMPTY_PATH, change);
}

Result<void> attach_mount(FdRef mount, FdRef target) {
    constexpr unsigned kFlags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
    if (::move_mount(mount.raw(), "", target.raw(), "", kFlags) < 0) return fail_errno(errno, "attach mount");
    return {};
}

Result<void> attach_mount(FdRef mount, const std::string& target) {
    auto fd = TRY(open_path(target, O_PATH), "attach mount");
    TRY(attach_mount(mount, fd), "{}", target);
    return {};
}

Result<void> mount_fs(const std::string& type, const std::string& target, const std::vector<FsOption>& options,
                      std::uint64_t attributes) {
    auto mount = TRY(make_mount(type, options, attributes), "{}", target);
    return attach_mount(mount, target);
}

Result<void> bind_mount(const std::string& source, const std::string& target, bool recursive,
                        std::uint64_t attributes) {
    auto mount = TRY(clone_mount(FdRef(), source, recursive), "bind {} to {}", source, target);
    if (attributes != 0) {
        TRY(change_mount(mount, {.set = attributes, .recursive = recursive}), "bind {} to {}", source, target);
    }
    TRY(attach_mount(mount, target), "bind {}", source);
    return {};
}

Result<void> unmount(const std::string& target, int flags) {
    if (::umount2(target.c_str(), flags | UMOUNT_NOFOLLOW) < 0) return fail_errno(errno, "unmount {}", target);
    return {};
}

Result<void> set_propagation(const std::string& target, std::uint64_t propagation, bool recursive) {
    const MountChange change{.propagation = propagation, .recursive = recursive};
    TRY(set_attributes(FdRef(), target.c_str(), 0, change), "set the propagation of {}", target);
    return {};
}

bool is_mount_point(const std::string& path) {
    struct statx status{};
    if (::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, &status) < 0) return false;
    return (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

Result<std::uint64_t> mount_of(FdRef file) {
    struct statx status{};
    if (::statx(file.raw(), "", AT_EMPTY_PATH, STATX_MNT_ID, &status) < 0)
        return fail_errno(errno, "look at the mount");
    return status.stx_mnt_id;
}

Result<std::vector<MountPoint>> list_mounts(const std::string& process) {
    const std::string text = TRY(read_file("/proc/" + process + "/mountinfo"));
    std::vector<MountPoint> mounts;
    for (const auto line : split(text, '\n')) {
        // proc_pid_mountinfo(5): "36 35 98:0 /root /target options [optional…] - type source super-options"
        const auto fields = split(line, ' ');
        std::size_t dash = 6;
        while (dash < fields.size() && fields[dash] != "-") ++dash;
        if (dash + 2 >= fields.size()) continue;
        mounts.push_back({unescape(fields[4]), unescape(fields[dash + 1]), unescape(fields[dash + 2])});
    }
    return mounts;
}

}  // namespace diatom::sys
