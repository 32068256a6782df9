#include "runtime/targets.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>

#include "base/strings.h"
#include "sys/file.h"

namespace diatom::runtime {
namespace {

constexpr int kMaxLinks = 40;  // as many as the kernel follows

Result<void> check_shape(FdRef target, const std::string& path, Shape shape) {
    struct stat status{};
    if (::fstat(target.raw(), &status) < 0) return fail_errno(errno, "stat {}", path);
    if (S_ISDIR(status.st_mode) == (shape == Shape::directory)) return {};
    return fail(Kind::conflict, "{} is {} in the container, and what is mounted there is {}: use another path", path,
                shape == Shape::directory ? "a file" : "a directory",
                shape == Shape::directory ? "a directory" : "a file");
}

std::optional<std::string> link_at(FdRef dir, const std::string& name) {
    std::array<char, 4096> target{};
    const ssize_t length = ::readlinkat(dir.raw(), name.c_str(), target.data(), target.size());
    if (length < 0) return std::nullopt;
    return std::string(target.data(), static_cast<std::size_t>(length));
}

Result<void> make_entry(FdRef dir, const std::string& name, Shape shape) {
    const int made = shape == Shape::directory ? ::mkdirat(dir.raw(), name.c_str(), 0755)
                                               : ::mknodat(dir.raw(), name.c_str(), S_IFREG | 0644, 0);
    if (made < 0) return fail_errno(errno, "make {}", name);
    return {};
}

// Makes what is missing of `path`. Gives the path to go on with when a dangling link lies on the way.
Result<std::optional<std::string>> make_missing(FdRef root, const std::string& path, Shape shape) {
    const auto parts = split(path, '/');
    auto dir = TRY(sys::open_in_root(root, ".", O_PATH | O_DIRECTORY));
    std::string prefix = ".";
    std::size_t last = parts.size();
    while (last > 0 && (parts[last - 1].empty() || parts[last - 1] == ".")) --last;
    for (std::size_t i = 0; i < last; ++i) {
        const std::string name(parts[i]);
        if (name.empty() || name == ".") continue;
        const std::string parent = prefix;
        prefix += "/" + name;
        auto next = sys::open_in_root(root, prefix, O_PATH);
        if (!next && next.error().error_number() == ENOENT) {
            const auto made = make_entry(dir, name, i + 1 == last ? shape : Shape::directory);
            if (!made && made.error().error_number() == EEXIST) {
                if (const auto link = link_at(dir, name)) {
                    std::string onward = link->starts_with('/') ? *link : parent + "/" + *link;
                    for (std::size_t rest = i + 1; rest < last; ++rest) onward.append("/").append(parts[rest]);
                    return onward;
                }
            } else if (!made) {
                return Failure(Error(made.error()).in(path));
            }
            next = sys::open_in_root(root, prefix, O_PATH);
        }
        dir = TRY(std::move(next));
    }
    return std::nullopt;
}

}  // namespace

Result<Fd> open_target(FdRef root, const std::string& path, Shape shape) {
    std::string current = path;
    for (int links = 0; links <= kMaxLinks; ++links) {
        auto target = sys::open_in_root(root, current, O_PATH);
        if (target) {
            TRY(check_shape(*target, path, shape));
            return target;
        }
        if (target.error().error_number() != ENOENT) return target;
        if (auto onward = TRY(make_missing(root, current, shape))) current = std::move(*onward);
    }
    return fail_errno(ELOOP, "open {} in its root", path);
}

Result<Fd> open_plain_directory(FdRef root, const std::string& path) {
    auto dir = TRY(sys::open_in_root(root, ".", O_PATH | O_DIRECTORY));
    for (const auto part : split(path, '/')) {
        if (part.empty() || part == ".") continue;
        if (part == "..") return fail(Kind::invalid, "{}: \"..\" is not allowed here", path);
        const std::string name(part);
        auto next = sys::open_at(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
        if (!next && next.error().error_number() == ENOENT) {
            TRY(make_entry(dir, name, Shape::directory), "{}", path);
            next = sys::open_at(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
        }
        if (!next && next.error().error_number() == ENOTDIR) {
            return fail(Kind::denied, "{} of the image is a link or a file: it must be a directory", path);
        }
        dir = TRY(std::move(next), "{}", path);
    }
    return dir;
}

Split split_last(const std::string& path) {
    const auto end = path.find_last_not_of('/');
    if (end == std::string::npos) return {"/", ""};
    const auto slash = path.rfind('/', end);
    if (slash == std::string::npos) return {"/", path.substr(0, end + 1)};
    return {path.substr(0, slash + 1), path.substr(slash + 1, end - slash)};
}

}  // namespace diatom::runtime
