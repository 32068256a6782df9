#include "engine/file_view.h"

#include <fcntl.h>
#include <sys/mount.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "base/strings.h"
#include "runtime/targets.h"
#include "sys/file.h"
#include "sys/mount.h"

namespace diatom::engine {
namespace {

constexpr std::uint64_t kHarmless = MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

struct Bind {
    std::string source, target;
    bool read_only = false;
    std::string part;  // of the source, below it; empty: the whole
};

std::vector<Bind> binds_of(const Container& container) {
    std::vector<Bind> binds = {{container.hostname_path, "/etc/hostname"},
                               {container.hosts_path, "/etc/hosts"},
                               {container.resolv_conf_path, "/etc/resolv.conf"}};
    if (container.config.system_root || container.config.host_root) binds.clear();
    for (const auto& use : container.volumes) binds.push_back({use.source, use.target, use.read_only, use.subpath});
    for (const auto& mount : container.config.mounts) {
        if (mount.kind == MountKind::bind) binds.push_back({mount.source, mount.target, mount.read_only});
    }
    // The /etc files exist while the container runs; a bind's source may have gone since.
    std::erase_if(binds, [](const Bind& b) { return b.source.empty() || !sys::exists(b.source); });
    std::ranges::stable_sort(binds, {}, [](const Bind& b) { return std::ranges::count(b.target, '/'); });
    return binds;
}

Result<Fd> mount_root(const Container& container, const std::optional<image::RootFs>& rootfs) {
    if (!rootfs) return sys::clone_mount_of(container.state.process, "/");
    std::vector<sys::FsOption> options;
    for (const auto& lower : rootfs->lower) options.push_back({"lowerdir+", lower});
    options.push_back({"upperdir", rootfs->upper});
    options.push_back({"workdir", rootfs->work});
    return sys::make_mount("overlay", options);
}

Result<Fd> clone_source(const Bind& bind) {
    if (bind.part.empty()) return sys::clone_mount(FdRef(), bind.source, true);
    const Fd whole = TRY(sys::open_path(bind.source, O_PATH | O_DIRECTORY));
    return sys::clone_mount(TRY(sys::open_in_root(whole, bind.part, O_PATH)), "", true);
}

// Detached copies of all sources, made before anything is mounted that could hide one.
Result<std::vector<std::pair<Bind, Fd>>> clone_sources(const Container& container) {
    std::vector<std::pair<Bind, Fd>> trees;
    for (auto& bind : binds_of(container)) {
        Fd tree = TRY(clone_source(bind), "{}", bind.target);
        const auto attributes = kHarmless | (bind.read_only ? std::uint64_t{MOUNT_ATTR_RDONLY} : 0);
        TRY(sys::change_mount(tree, {.set = attributes, .propagation = MS_PRIVATE, .recursive = true}));
        trees.emplace_back(std::move(bind), std::move(tree));
    }
    return trees;
}

Result<void> attach_bind(FdRef root, const std::string& target, FdRef tree) {
    struct stat status{};
    if (::fstat(tree.raw(), &status) < 0) return fail_errno(errno, "stat");
    const auto shape = S_ISDIR(status.st_mode) ? runtime::Shape::directory : runtime::Shape::file;
    return sys::attach_mount(tree, TRY(runtime::open_target(root, target, shape)));
}

// Where a descriptor's file is, seen from `root`; both as the kernel names them.
std::optional<std::string> path_below(FdRef root, FdRef file) {
    const auto name = [](FdRef fd) { return sys::read_link(std::format("/proc/self/fd/{}", fd.raw())); };
    const auto top = name(root), whole = name(file);
    if (!top || !whole || !whole->starts_with(*top)) return std::nullopt;
    const auto rest = whole->substr(*top == "/" ? 0 : top->size());
    return rest.empty() ? "/" : rest;
}

std::string link_target(FdRef root, FdRef directory, const std::string& path, const std::string& name) {
    if (const auto end = sys::open_in_root(root, path, O_PATH)) {
        if (auto found = path_below(root, *end)) return *found;
    }
    // It leads nowhere: what it says, then.
    std::array<char, 4096> text{};
    const auto length = ::readlinkat(directory.raw(), name.c_str(), text.data(), text.size());
    const std::string said(text.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
    return clean_path(said.starts_with('/') ? said : path.substr(0, path.rfind('/') + 1) + said);
}

}  // namespace

Result<FileView> FileView::open(const Container& container, const std::optional<image::RootFs>& rootfs, Binds shown) {
    Fd root;
    auto mounts = TRY(sys::in_private_mounts([&]() -> Result<void> {
                          const Fd tree = TRY(mount_root(container, rootfs));
                          TRY(sys::change_mount(tree, {.set = kHarmless}));
                          std::vector<std::pair<Bind, Fd>> binds;
                          if (shown == Binds::shown) binds = TRY(clone_sources(container));
                          // Any directory of this namespace serves: nobody else sees what is mounted in it.
                          TRY(sys::attach_mount(tree, rootfs ? rootfs->merged : "/proc"));
                          for (const auto& [bind, source] : binds)
                              TRY(attach_bind(tree, bind.target, source), "{}", bind.target);
                          if (rootfs && container.config.read_only_root)
                              TRY(sys::change_mount(tree, {.set = MOUNT_ATTR_RDONLY}));
                          root = TRY(sys::open_at(tree, ".", O_PATH | O_DIRECTORY));
                          return {};
                      }),
                      "open the files of container {}", container.name);
    return FileView(std::move(mounts), std::move(root));
}

std::string clean_path(const std::string& path) {
    std::vector<std::string_view> parts;
    for (const auto part : split(path, '/')) {
        if (part.empty() || part == ".") continue;
        if (part != "..") parts.push_back(part);
        else if (!parts.empty()) parts.pop_back();
    }
    std::string clean;
    for (const auto part : parts) clean.append("/").append(part);
    if (path == "." || path.ends_with("/.")) return clean + "/.";
    if (clean.empty() || path.ends_with('/')) return clean + "/";
    return clean;
}

Result<FoundPath> find_path(FdRef root, const std::string& path) {
    const std::string clean = clean_path(path);
    const auto slash = clean.rfind('/');
    std::string base = clean.substr(slash + 1);
    FoundPath found;
    found.place = TRY(sys::open_in_root(root, clean.substr(0, slash + 1), O_PATH | O_DIRECTORY));
    struct stat status{};
    const std::string looked = base.empty() ? "." : base;
    if (::fstatat(found.place.raw(), looked.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0)
        return fail_errno(errno, "look at {}", clean);
    if (S_ISDIR(status.st_mode)) {
        found.place = TRY(sys::open_at(found.place, looked, O_PATH | O_DIRECTORY | O_NOFOLLOW));
    } else {
        found.name = base;
    }
    if (base.empty() && slash > 0) base = std::string(cut_last(clean.substr(0, slash), '/')->second);
    found.about = {.name = base.empty() ? "/" : base,
                   .size = static_cast<std::uint64_t>(status.st_size),
                   .mode = status.st_mode,
                   .mtime = status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec};
    if (S_ISLNK(status.st_mode)) found.about.link_target = link_target(root, found.place, clean, base);
    return found;
}

}  // namespace diatom::engine
