// Directories of sys/file.h: listing, making, measuring and removing trees.
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "base/strings.h"
#include "sys/file.h"

namespace diatom::sys {
namespace {

struct CloseDir {
    void operator()(DIR* dir) const noexcept { ::closedir(dir); }
};

enum class EntryType : std::uint8_t { directory, other, unknown };

struct Entry {
    std::string name;
    EntryType type;
};

EntryType entry_type(unsigned char type) noexcept {
    if (type == DT_UNKNOWN) return EntryType::unknown;
    return type == DT_DIR ? EntryType::directory : EntryType::other;
}

// Reads through a descriptor of its own, so that the caller's offset stays and an O_PATH descriptor serves.
Result<std::vector<Entry>> read_entries(FdRef dir) {
    auto fd = TRY(open_at(dir, ".", O_RDONLY | O_DIRECTORY));
    const std::unique_ptr<DIR, CloseDir> stream(::fdopendir(fd.raw()));
    if (!stream) return fail_errno(errno, "read directory");
    std::ignore = fd.release();  // the stream owns it now
    std::vector<Entry> entries;
    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(stream.get());
        if (entry == nullptr) break;
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") entries.push_back({std::string(name), entry_type(entry->d_type)});
    }
    if (errno != 0) return fail_errno(errno, "read directory");
    return entries;
}

std::vector<std::string> names_of(std::vector<Entry> entries) {
    std::vector<std::string> names;
    names.reserve(entries.size());
    for (auto& entry : entries) names.push_back(std::move(entry.name));
    return names;
}

// Opens a directory for removal: not through a link, not into another mount (openat2, Linux 5.6).
Result<Fd> open_same_mount(FdRef parent, const std::string& name) {
    struct open_how how{};
    how.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    how.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS;
    const int base = parent ? parent.raw() : AT_FDCWD;
    const long fd = ::syscall(SYS_openat2, base, name.c_str(), &how, sizeof how);
    if (fd >= 0) return Fd(static_cast<int>(fd));
    if (errno == EXDEV) return fail(Kind::conflict, "{} is a mount point: unmount it first", name);
    return fail_errno(errno, "open {}", name);
}

// Walks a tree with one open descriptor, whatever its depth: a container can nest deeper than there are descriptors or
// stack. The way back up is "..", checked to be the directory it came from.
class TreeWalk {
public:
    explicit TreeWalk(Fd top) : dir_(std::move(top)) {}
    virtual ~TreeWalk() = default;
    TreeWalk(const TreeWalk&) = delete;

    Result<void> run() {
        TRY(enter(""));
        for (;;) {
            auto& level = levels_.back();
            if (!level.directories.empty()) {
                const std::string name = std::move(level.directories.back());
                level.directories.pop_back();
                auto child = open_same_mount(dir_, name);
                if (!child && skips(child.error())) continue;
                dir_ = TRY(std::move(child));
                TRY(enter(name));
            } else if (levels_.size() == 1) {
                return {};
            } else {
                TRY(leave());
            }
        }
    }

protected:
    virtual Result<bool> visit(FdRef dir, const Entry& entry) = 0;  // true: a directory, to be entered later
    virtual Result<void> left(FdRef /*parent*/, const std::string& /*name*/) { return {}; }
    virtual bool skips(const Error& /*unopened*/) const { return false; }  // go on without that directory

private:
    struct Level {
        std::string name;
        dev_t device;
        ino_t inode;
        std::vector<std::string> directories;  // still to be entered
    };

    Result<void> enter(const std::string& name) {
        struct stat status{};
        if (::fstat(dir_.raw(), &status) < 0) return fail_errno(errno, "stat {}", name);
        Level level{name, status.st_dev, status.st_ino, {}};
        for (auto& entry : TRY(read_entries(dir_), "{}", name)) {
            if (TRY(visit(dir_, entry))) level.directories.push_back(std::move(entry.name));
        }
        levels_.push_back(std::move(level));
        return {};
    }

    Result<void> leave() {
        const std::string name = std::move(levels_.back().name);
        levels_.pop_back();
        auto parent = TRY(open_at(dir_, "..", O_RDONLY | O_DIRECTORY));
        struct stat status{};
        if (::fstat(parent.raw(), &status) < 0) return fail_errno(errno, "stat the parent of {}", name);
        if (status.st_ino != levels_.back().inode || status.st_dev != levels_.back().device) {
            return fail(Kind::conflict, "{} was moved while its tree was walked: try again", name);
        }
        dir_ = std::move(parent);
        return left(dir_, name);
    }

    Fd dir_;
    std::vector<Level> levels_;
};

// Empties a directory.
class TreeRemover final : public TreeWalk {
public:
    using TreeWalk::TreeWalk;

private:
    Result<bool> visit(FdRef dir, const Entry& entry) override {
        if (entry.type == EntryType::directory) return true;
        if (::unlinkat(dir.raw(), entry.name.c_str(), 0) == 0 || errno == ENOENT) return false;
        return errno == EISDIR ? Result<bool>(true) : fail_errno(errno, "remove {}", entry.name);
    }

    Result<void> left(FdRef parent, const std::string& name) override {
        if (::unlinkat(parent.raw(), name.c_str(), AT_REMOVEDIR) < 0 && errno != ENOENT)
            return fail_errno(errno, "remove directory {}", name);
        return {};
    }
};

// Adds up the regular files of a tree that may change meanwhile.
class TreeMeter final : public TreeWalk {
public:
    using TreeWalk::TreeWalk;
    std::uint64_t bytes() const noexcept { return bytes_; }

private:
    Result<bool> visit(FdRef dir, const Entry& entry) override {
        struct stat about{};
        if (::fstatat(dir.raw(), entry.name.c_str(), &about, AT_SYMLINK_NOFOLLOW) != 0)
            return errno == ENOENT ? Result<bool>(false) : fail_errno(errno, "look at {}", entry.name);
        if (S_ISREG(about.st_mode)) bytes_ += static_cast<std::uint64_t>(about.st_size);
        return S_ISDIR(about.st_mode);
    }

    // Gone meanwhile, replaced by something else, or a mount point.
    bool skips(const Error& unopened) const override {
        return unopened.kind() == Kind::not_found || unopened.kind() == Kind::conflict ||
               unopened.error_number() == ENOTDIR || unopened.error_number() == ELOOP;
    }

    std::uint64_t bytes_ = 0;
};

Result<void> remove_entry(FdRef parent, const std::string& name) {
    const int base = parent ? parent.raw() : AT_FDCWD;
    if (::unlinkat(base, name.c_str(), 0) == 0 || errno == ENOENT) return {};
    if (errno != EISDIR) return fail_errno(errno, "remove");
    auto top = TRY(open_same_mount(parent, name));
    TRY(TreeRemover(std::move(top)).run());
    if (::unlinkat(base, name.c_str(), AT_REMOVEDIR) < 0 && errno != ENOENT)
        return fail_errno(errno, "remove directory");
    return {};
}

}  // namespace

Result<std::uint64_t> tree_size(const std::string& path) {
    TreeMeter meter(TRY(open_path(path, O_RDONLY | O_DIRECTORY)));
    TRY(meter.run(), "measure {}", path);
    return meter.bytes();
}

Result<std::vector<std::string>> list_dir_fd(FdRef dir) { return names_of(TRY(read_entries(dir))); }

Result<std::vector<std::string>> list_dir(const std::string& path) {
    auto dir = TRY(open_path(path, O_PATH | O_DIRECTORY));
    return names_of(TRY(read_entries(dir), "{}", path));
}

Result<void> make_dirs(const std::string& path, mode_t mode) {
    if (::mkdir(path.c_str(), mode) == 0) return {};
    if (errno == EEXIST) {
        if (S_ISDIR(TRY(stat_path(path)).st_mode)) return {};
        return fail(Kind::conflict, "make directory {}: there is something else by that name", path);
    }
    const auto slash = path.find_last_not_of('/') == std::string::npos ? std::string::npos
                                                                       : path.rfind('/', path.find_last_not_of('/'));
    if (errno != ENOENT || slash == std::string::npos || slash == 0)
        return fail_errno(errno, "make directory {}", path);
    TRY(make_dirs(path.substr(0, slash), mode));
    if (::mkdir(path.c_str(), mode) < 0 && errno != EEXIST) return fail_errno(errno, "make directory {}", path);
    return {};
}

Result<Fd> make_dirs_in_root(FdRef root, const std::string& path, mode_t mode) {
    constexpr int kFlags = O_RDONLY | O_DIRECTORY;
    std::string prefix = ".";
    auto dir = TRY(open_in_root(root, prefix, kFlags));
    for (const auto part : split(path, '/')) {
        if (part.empty() || part == ".") continue;
        prefix += '/';
        prefix += part;
        // The prefix is resolved from the root each time: a step relative to `dir` would not know where the root is.
        auto next = open_in_root(root, prefix, kFlags);
        if (!next && next.error().error_number() == ENOENT) {
            const std::string name(part);
            if (::mkdirat(dir.raw(), name.c_str(), mode) < 0 && errno != EEXIST) {
                return fail_errno(errno, "make directory {} of {}", name, path);
            }
            next = open_in_root(root, prefix, kFlags);
        }
        dir = TRY(std::move(next), "make directory {}", path);
    }
    return dir;
}

Result<void> remove_tree_at(FdRef dir, const std::string& name) {
    TRY(remove_entry(dir, name), "remove tree {}", name);
    return {};
}

Result<void> remove_tree(const std::string& path) {
    const auto end = path.find_last_not_of('/');
    if (end == std::string::npos)
        return fail(Kind::invalid, "remove tree \"{}\": not a path that can be removed", path);
    const auto slash = path.rfind('/', end);
    const auto begin = slash == std::string::npos ? 0 : slash + 1;
    auto parent = open_path(slash == std::string::npos ? "." : path.substr(0, slash + 1), O_PATH | O_DIRECTORY);
    if (!parent && parent.error().error_number() == ENOENT) return {};
    auto dir = TRY(std::move(parent), "remove tree {}", path);
    TRY(remove_entry(dir, path.substr(begin, end - begin + 1)), "remove tree {}", path);
    return {};
}

}  // namespace diatom::sys
