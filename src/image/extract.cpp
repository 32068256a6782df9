#include "image/extract.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <format>
#include <optional>
#include <vector>

#include "base/strings.h"
#include "sys/file.h"

namespace diatom::image {
namespace {

constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";
constexpr std::string_view kAufsOwn = ".wh..wh.";
constexpr std::uint64_t kCheckEvery = 8U << 20U;    // bytes written between two looks at the free space
constexpr std::uint64_t kMostReserve = 64U << 20U;  // bytes that stay free for everything else on the disk

// "a/b/c" -> "a/b" and "c".
Halves parts_of(std::string_view path) { return cut_last(path, '/').value_or(Halves{{}, path}); }

std::uint64_t reserve_of(const std::string& directory) {
    const auto space = sys::free_space(directory);
    return space ? std::min(kMostReserve, space->total / 20) : kMostReserve;
}

class Extractor final : public TarSink {
public:
    Extractor(FdRef root, Whiteouts whiteouts, const ExtractLimits& limits)
        : root_(root), whiteouts_(whiteouts), limits_(limits), reserve_(reserve_of(limits.directory)) {}

    Result<void> begin(const TarEntry& entry) override {
        if (++done_.entries > limits_.max_entries)
            return fail(Kind::exhausted, "the archive has more than {} entries", limits_.max_entries);
        if (!limits_.rewrite) return in_entry(create(entry), entry);
        rewritten_ = TRY(limits_.rewrite(entry));
        return rewritten_ ? in_entry(create(*rewritten_), entry) : Result<void>{};
    }

    Result<void> data(std::uint64_t offset, std::string_view bytes) override {
        auto at = static_cast<off_t>(offset);
        while (!bytes.empty() && file_) {
            const auto written = ::pwrite(file_.raw(), bytes.data(), bytes.size(), at);
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) return fail_errno(errno, "write");
            bytes.remove_prefix(static_cast<std::size_t>(written));
            at += written;
            TRY(count(static_cast<std::uint64_t>(written)));
        }
        return {};
    }

    Result<void> end(const TarEntry& written) override {
        if (!file_) return {};
        const TarEntry& entry = rewritten_ ? *rewritten_ : written;
        if (::ftruncate(file_.raw(), static_cast<off_t>(entry.size)) != 0)
            return fail_errno(errno, "set the size of {}", entry.path);
        const Fd file = std::move(file_);
        return in_entry(set_attributes(file, entry), entry);
    }

    // Times of directories last: putting something into one changes its own.
    Result<Extracted> finish() {
        TRY(check_space());
        for (auto it = directories_.rbegin(); it != directories_.rend(); ++it) {
            const auto fd = sys::open_in_root(root_, "/" + it->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
            if (!fd) continue;  // replaced by a later entry
            const timespec times[2] = {it->time, it->time};
            if (::futimens(fd->raw(), times) != 0) return fail_errno(errno, "set the time of {}", it->path);
        }
        return done_;
    }

private:
    struct Dated {
        std::string path;
        timespec time;
    };

    static Result<void> in_entry(Result<void> result, const TarEntry& entry) {
        if (result) return result;
        return Failure(std::move(result).error().in(entry.path));
    }

    Result<void> create(const TarEntry& entry) {
        const bool directory = entry.type == EntryType::directory;
        if (entry.path.empty()) return directory ? set_attributes(root_, entry) : Result<void>{};
        const auto halves = parts_of(entry.path);
        const std::string name(halves.second);
        TRY(enter(std::string(halves.first)));
        if (whiteouts_ == Whiteouts::overlay && name.starts_with(kWhiteout)) return apply_whiteout(name);
        return make(entry, name);
    }

    // The parent's descriptor; entries of one directory stand together in practice.
    Result<void> enter(const std::string& parent) {
        if (parent_ && parent == parent_path_) return {};
        auto opened = sys::make_dirs_in_root(root_, "/" + parent);
        if (!opened && opened.error().error_number() == ENOTDIR && whiteouts_ == Whiteouts::overlay) {
            TRY(uncover(parent));
            opened = sys::make_dirs_in_root(root_, "/" + parent);
        }
        parent_ = TRY(std::move(opened));
        parent_path_ = parent;
        return {};
    }

    // An archive need not list the directories above its files: one of those that is a whiteout becomes a directory.
    Result<void> uncover(const std::string& path) {
        std::string above;
        for (const auto part : split(path, '/')) {
            const std::string name(part);
            const auto parent = TRY(sys::make_dirs_in_root(root_, "/" + above));
            const auto there = TRY(look(parent, name));
            if (there && is_whiteout(*there)) {
                TRY(sys::remove_tree_at(parent, name));
                TRY(make_opaque(TRY(sys::make_dirs_in_root(root_, std::format("/{}/{}", above, name)))));
            }
            above += "/" + name;
        }
        return {};
    }

    // A whiteout hides what lower layers have, never what its own layer has, whichever comes first in the archive
    // (OCI image-spec 1.1, layer.md "Whiteouts").
    Result<void> apply_whiteout(const std::string& name) {
        if (name == kOpaque) return make_opaque(parent_);
        if (name.starts_with(kAufsOwn)) return {};  // bookkeeping of aufs
        const auto hidden = name.substr(kWhiteout.size());
        if (hidden.empty() || hidden == "." || hidden == "..") return fail(Kind::invalid, "malformed whiteout");
        const auto there = TRY(look(parent_, hidden));
        if (there && S_ISDIR(there->st_mode))
            return make_opaque(TRY(sys::open_at(parent_, hidden, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)));
        if (there) return {};
        if (::mknodat(parent_.raw(), hidden.c_str(), S_IFCHR, makedev(0, 0)) != 0)
            return fail_errno(errno, "make a whiteout");
        return {};
    }

    static bool is_whiteout(const struct stat& about) { return S_ISCHR(about.st_mode) && about.st_rdev == 0; }

    static Result<void> make_opaque(FdRef directory) {
        if (::fsetxattr(directory.raw(), "trusted.overlay.opaque", "y", 1, 0) != 0)
            return fail_errno(errno, "mark as opaque");
        return {};
    }

    static Result<std::optional<struct stat>> look(FdRef parent, const std::string& name) {
        struct stat there{};
        if (::fstatat(parent.raw(), name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0) return there;
        return errno == ENOENT ? Result<std::optional<struct stat>>(std::nullopt) : fail_errno(errno, "look");
    }

    // A later entry replaces an earlier one of its name.
    Result<void> clear_way(const std::string& name, const struct stat& there) {
        if (S_ISDIR(there.st_mode)) parent_path_ = "\n";  // no archive's path: look parents up again
        return sys::remove_tree_at(parent_, name);
    }

    // A directory over a directory keeps what is in it. One that takes the place of something else, a whiteout or a
    // file, shows nothing of what lower layers have by that name.
    Result<void> make_directory(const TarEntry& entry, const std::string& name) {
        const auto there = TRY(look(parent_, name));
        const bool keep = there && S_ISDIR(there->st_mode);
        if (there && !keep) TRY(clear_way(name, *there));
        if (!keep && ::mkdirat(parent_.raw(), name.c_str(), 0700) != 0) return fail_errno(errno, "make the directory");
        if (there && !keep && whiteouts_ == Whiteouts::overlay)
            TRY(make_opaque(TRY(sys::open_at(parent_, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))));
        directories_.push_back({entry.path, entry.mtime});
        return set_attributes_at(name, entry);
    }

    Result<void> make(const TarEntry& entry, const std::string& name) {
        if (entry.type == EntryType::directory) return make_directory(entry, name);
        if (const auto there = TRY(look(parent_, name))) TRY(clear_way(name, *there));
        const char* file = name.c_str();
        const int parent = parent_.raw();
        switch (entry.type) {
            case EntryType::file:
                file_ = TRY(sys::open_at(parent_, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
                return {};  // attributes at its end
            case EntryType::hardlink: return link(entry, name);
            case EntryType::directory: break;  // made above
            case EntryType::symlink:
                if (::symlinkat(entry.link.c_str(), parent, file) != 0)
                    return fail_errno(errno, "make the symbolic link");
                break;
            case EntryType::character_device: TRY(make_node(file, S_IFCHR, entry.device)); break;
            case EntryType::block_device: TRY(make_node(file, S_IFBLK, entry.device)); break;
            case EntryType::fifo: TRY(make_node(file, S_IFIFO, 0)); break;
        }
        return set_attributes_at(name, entry);
    }

    Result<void> make_node(const char* name, mode_t type, dev_t device) {
        if (::mknodat(parent_.raw(), name, type | 0600, device) != 0) return fail_errno(errno, "make the node");
        return {};
    }

    Result<void> link(const TarEntry& entry, const std::string& name) {
        const auto fd =
            TRY(sys::open_in_root(root_, "/" + entry.link, O_PATH | O_NOFOLLOW), "hard link to {}", entry.link);
        if (::linkat(fd.raw(), "", parent_.raw(), name.c_str(), AT_EMPTY_PATH) != 0)
            return fail_errno(errno, "hard link to {}", entry.link);
        return {};
    }

    Result<void> count(std::uint64_t bytes) {
        done_.bytes += bytes;
        since_check_ += bytes;
        return since_check_ < kCheckEvery ? Result<void>{} : check_space();
    }

    Result<void> check_space() {
        since_check_ = 0;
        const auto space = TRY(sys::free_space(limits_.directory));
        if (space.free < reserve_) {
            return fail(Kind::exhausted,
                        "no space left on the disk: {} are free and {} are kept in reserve; remove images or "
                        "containers, or enlarge the disk",
                        format_bytes(space.free), format_bytes(reserve_));
        }
        return {};
    }

    Result<void> set_attributes_at(const std::string& name, const TarEntry& entry) {
        return set_attributes(TRY(sys::open_at(parent_, name, O_PATH | O_NOFOLLOW)), entry);
    }

    // By descriptor, never by name: what runs in a container may put a link there meanwhile, and chmod would follow it
    // out of the container (the class of CVE-2021-41089). `fd` may be O_PATH, for which not every call has a variant.
    static Result<void> set_attributes(FdRef fd, const TarEntry& entry) {
        const auto path = std::format("/proc/self/fd/{}", fd.raw());
        if (::fchownat(fd.raw(), "", entry.uid, entry.gid, AT_EMPTY_PATH) != 0)
            return fail_errno(errno, "set the owner");
        // After the owner: changing it clears the set-user-ID bit.
        if (entry.type != EntryType::symlink && ::chmod(path.c_str(), entry.mode) != 0)
            return fail_errno(errno, "set the mode");
        TRY(set_xattrs(path, entry));
        const timespec times[2] = {entry.mtime, entry.mtime};
        if (::utimensat(fd.raw(), "", times, AT_EMPTY_PATH) != 0) return fail_errno(errno, "set the time");
        return {};
    }

    static Result<void> set_xattrs(const std::string& path, const TarEntry& entry) {
        for (const auto& [key, value] : entry.xattrs) {
            // trusted.* steers overlayfs: an image that sets it could reach files of other layers.
            if (!key.starts_with("user.") && key != "security.capability") continue;
            if (::setxattr(path.c_str(), key.c_str(), value.data(), value.size(), 0) != 0 && errno != ENOTSUP &&
                errno != EPERM) {
                return fail_errno(errno, "set attribute {}", key);
            }
        }
        return {};
    }

    FdRef root_;
    Whiteouts whiteouts_;
    const ExtractLimits& limits_;
    std::uint64_t reserve_, since_check_ = 0;
    Extracted done_;
    std::optional<TarEntry> rewritten_;  // the current entry, where there is a rewrite
    Fd parent_, file_;
    std::string parent_path_;
    std::vector<Dated> directories_;
};

}  // namespace

Result<Extracted> extract_tar(ByteSource& source, FdRef root, Whiteouts whiteouts, const ExtractLimits& limits) {
    Extractor extractor(root, whiteouts, limits);
    TRY(read_tar(source, extractor, limits.cancelled));
    return extractor.finish();
}

}  // namespace diatom::image
