#include "engine/staged_mounts.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <ranges>

#include "engine/spec_mounts.h"
#include "sys/file.h"
#include "sys/log.h"
#include "sys/mount.h"

namespace diatom::engine {

StagedMounts::~StagedMounts() {
    for (const auto& place : std::views::reverse(places_)) {
        if (sys::is_mount_point(place)) {
            if (auto undone = sys::unmount(place, MNT_DETACH); !undone) {
                log::error("a mount of a start is left behind", {{"path", place}, {"error", undone.error().what()}});
                continue;
            }
        }
        std::ignore = std::remove(place.c_str());  // never with contents: those would be the volume's
    }
    if (!places_.empty()) std::ignore = std::remove(directory_.c_str());
}

Result<std::string> StagedMounts::place(FdRef tree, bool is_directory) {
    auto path = directory_ + "/" + std::to_string(places_.size());
    if (is_directory) TRY(sys::make_dirs(path, 0700));
    else TRY(sys::write_file(path, "", 0600));
    places_.push_back(path);
    TRY(sys::attach_mount(tree, path));
    return path;
}

Result<std::string> StagedMounts::mount_image(const image::RootFs& rootfs, bool read_only) {
    std::vector<sys::FsOption> options;
    for (const auto& layer : rootfs.lower) options.push_back({"lowerdir+", layer});
    options.push_back({"upperdir", rootfs.upper});
    options.push_back({"workdir", rootfs.work});
    const std::uint64_t attributes = read_only ? MOUNT_ATTR_RDONLY : 0;
    const Fd tree = TRY(sys::make_mount("overlay", options, attributes));
    return place(tree, true);
}

Result<std::string> StagedMounts::bind_part(const std::string& whole, const std::string& subpath) {
    const Fd root = TRY(sys::open_path(whole, O_PATH | O_DIRECTORY));
    const Fd part = TRY(sys::open_in_root(root, subpath, O_PATH), "cannot access path {} of {}", subpath, whole);
    struct stat status{};
    if (::fstat(part.raw(), &status) < 0) return fail_errno(errno, "stat {} of {}", subpath, whole);
    const Fd tree = TRY(sys::clone_mount(part, "", true), "bind {} of {}", subpath, whole);
    return place(tree, S_ISDIR(status.st_mode));
}

Result<std::string> StagedMounts::mount_shm_of(const sys::ProcessId& process) {
    Fd tree;
    std::ignore = TRY(sys::in_private_mounts([&]() -> Result<void> {
                          tree = TRY(sys::clone_mount_of(process, kShm));
                          return {};
                      }),
                      "copy {} of another container", kShm);
    return place(tree, true);
}

Result<StagedMounts> StagedMounts::make(const Container& container, image::Store& store, const std::string& directory,
                                        const std::optional<sys::ProcessId>& ipc_owner) {
    StagedMounts staged(directory);
    if (ipc_owner) {
        TRY(sys::make_dirs(directory, 0700));
        staged.sources_[kShm] = TRY(staged.mount_shm_of(*ipc_owner));
    }
    for (const auto& use : container.images) {
        const auto rootfs = TRY(store.rootfs(use.rootfs));
        TRY(sys::make_dirs(directory, 0700));
        auto source = TRY(staged.mount_image(rootfs, use.read_only), "mount image {}", use.name);
        if (!use.subpath.empty()) source = TRY(staged.bind_part(source, use.subpath), "image {}", use.name);
        staged.sources_[use.target] = source;
    }
    for (const auto& use : container.volumes) {
        if (use.subpath.empty()) continue;
        TRY(sys::make_dirs(directory, 0700));
        staged.sources_[use.target] = TRY(staged.bind_part(use.source, use.subpath), "volume {}", use.name);
    }
    return staged;
}

}  // namespace diatom::engine
