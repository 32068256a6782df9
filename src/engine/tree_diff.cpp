#include "engine/tree_diff.h"

#include <fcntl.h>
#include <sys/xattr.h>

#include <algorithm>
#include <cerrno>
#include <format>
#include <optional>
#include <set>

#include "sys/file.h"

namespace diatom::engine {
namespace {

constexpr int kMaxDepth = 512;

bool is_whiteout(const struct stat& status) { return S_ISCHR(status.st_mode) && status.st_rdev == 0; }

bool is_opaque(FdRef directory) {
    char value = 0;
    const auto path = std::format("/proc/self/fd/{}/.", directory.raw());
    return ::lgetxattr(path.c_str(), "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
}

bool same_time(const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

// Sizes and times of directories say nothing: what is in them does.
bool differs(const struct stat& now, const struct stat& before) {
    if (now.st_mode != before.st_mode || now.st_uid != before.st_uid || now.st_gid != before.st_gid) return true;
    if (S_ISDIR(now.st_mode)) return false;
    return now.st_rdev != before.st_rdev || now.st_size != before.st_size || !same_time(now.st_mtim, before.st_mtim);
}

Result<std::optional<struct stat>> look(FdRef directory, const std::string& name) {
    struct stat status{};
    if (::fstatat(directory.raw(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
        if (is_whiteout(status)) return std::nullopt;  // of a lowest layer, which hides nothing
        return status;
    }
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    return fail_errno(errno, "look at {}", name);
}

class Comparison {
public:
    explicit Comparison(const std::vector<std::string>& ours) : ours_(ours.begin(), ours.end()) {}

    // `lower` is nothing where the layers have no such directory.
    Result<void> directory(FdRef upper, FdRef lower, const std::string& path, int depth) {
        if (depth > kMaxDepth) return fail(Kind::unsupported, "{}: nested deeper than {} directories", path, kMaxDepth);
        auto names = TRY(sys::list_dir_fd(upper));
        const std::set<std::string> there(names.begin(), names.end());
        if (lower && is_opaque(upper)) {
            for (auto& name : TRY(sys::list_dir_fd(lower))) {
                if (!there.contains(name) && TRY(look(lower, name))) names.push_back(std::move(name));
            }
        }
        std::ranges::sort(names);
        for (const auto& name : names) {
            const std::string full = path + "/" + name;
            if (!there.contains(name)) changes_.push_back({ChangeKind::deleted, full});
            else TRY(entry(upper, lower, name, full, depth), "{}", full);
        }
        return {};
    }

    std::vector<Change> take() { return std::move(changes_); }

private:
    Result<void> entry(FdRef upper, FdRef lower, const std::string& name, const std::string& path, int depth) {
        struct stat now{};
        if (::fstatat(upper.raw(), name.c_str(), &now, AT_SYMLINK_NOFOLLOW) != 0) {
            if (errno == ENOENT) return {};  // a running container removed it meanwhile
            return fail_errno(errno, "look");
        }
        const auto before = lower ? TRY(look(lower, name)) : std::nullopt;
        if (is_whiteout(now)) {
            if (before) changes_.push_back({ChangeKind::deleted, path});
            return {};
        }
        const auto place = changes_.size();
        if (S_ISDIR(now.st_mode)) {
            Fd inner = TRY(sys::open_at(upper, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
            Fd below;
            if (before && S_ISDIR(before->st_mode))
                below = TRY(sys::open_at(lower, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
            TRY(directory(inner, below, path, depth + 1));
        }
        const bool changed_within = changes_.size() != place;
        if (before ? !changed_within && !differs(now, *before) : !changed_within && is_ours(path, now)) return {};
        const auto kind = before ? ChangeKind::modified : ChangeKind::added;
        changes_.insert(changes_.begin() + static_cast<std::ptrdiff_t>(place), Change{kind, path});
        return {};
    }

    bool is_ours(const std::string& path, const struct stat& status) const {
        return ours_.contains(path) && (S_ISDIR(status.st_mode) || status.st_size == 0);
    }

    std::set<std::string> ours_;
    std::vector<Change> changes_;
};

}  // namespace

Result<std::vector<Change>> diff_upper(FdRef upper, FdRef lower, const std::vector<std::string>& ours) {
    Comparison comparison(ours);
    TRY(comparison.directory(upper, lower, "", 0));
    return comparison.take();
}

}  // namespace diatom::engine
