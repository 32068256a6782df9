#include "engine/volumes.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "engine/names.h"
#include "engine/size_limit.h"
#include "engine/volume_mounts.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/tree_copy.h"

namespace diatom::engine {
namespace {

std::string directory_of(const std::string& root, const std::string& name) { return root + "/volumes/" + name; }
std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

// Beside "_data".
std::string mark_of(const std::string& mountpoint) { return parent_of(mountpoint) + "/unfinished"; }

Result<void> make_marked(const std::string& mountpoint) {
    TRY(sys::make_dirs(parent_of(mountpoint)), "make volume {}", mountpoint);
    TRY(sys::write_file(mark_of(mountpoint), "", 0600), "make volume {}", mountpoint);
    TRY(sys::make_dirs(mountpoint), "make volume {}", mountpoint);
    return {};
}

}  // namespace

std::int64_t count_users(const Volume& volume, const ContainerList& containers) {
    return std::ranges::count_if(containers, [&](const auto& container) {
        return std::ranges::contains(container.volumes, volume.name, &VolumeUse::name);
    });
}

void complete_volume(Volume& volume, const std::string& root) {
    volume.mountpoint = directory_of(root, volume.name) + "/_data";
    volume.created = sys::wall_ns();
    if (volume.anonymous) volume.labels.emplace("com.docker.volume.anonymous", "");
}

Result<void> make_volume_directory(const Volume& volume) {
    const bool known = sys::exists(volume.mountpoint);
    if (!known) TRY(make_marked(volume.mountpoint));
    const auto size = size_limit_of(volume);
    if (size == 0) return {};
    auto limited = limit_size({volume.mountpoint}, size);
    if (!limited && !known) TRY(sys::remove_tree(parent_of(volume.mountpoint)), "make volume {}", volume.name);
    return limited;
}

Result<void> finish_volume_directory(const std::string& mountpoint) { return sys::remove_file(mark_of(mountpoint)); }

Result<void> doom_volume_directory(const std::string& mountpoint) {
    const auto mark = mark_of(mountpoint);
    if (!sys::exists(parent_of(mark))) return {};
    TRY(sys::write_file(mark, "", 0600));
    return sys::sync_dir(parent_of(mark));
}

Result<void> settle_volumes(const std::string& root, const std::set<std::string>& recorded) {
    for (const auto& name : recorded) {
        const auto mountpoint = directory_of(root, name) + "/_data";
        if (!sys::exists(mountpoint)) TRY(make_marked(mountpoint));
    }
    auto listed = sys::list_dir(root + "/volumes");
    if (!listed && listed.error().kind() == Kind::not_found) return {};
    for (const auto& name : TRY(std::move(listed))) {
        const auto mountpoint = directory_of(root, name) + "/_data";
        const bool empty = sys::list_dir(directory_of(root, name)).value_or(std::vector<std::string>{name}).empty();
        if (!empty && !sys::exists(mark_of(mountpoint))) continue;
        if (recorded.contains(name)) TRY(finish_volume_directory(mountpoint));
        else TRY(remove_volume_directory(root, name));
    }
    return {};
}

Result<void> remove_volume_directory(const std::string& root, const std::string& name) {
    const SizeLimitRelease release(directory_of(root, name) + "/_data");
    // What is mounted there is somebody else's.
    if (const auto data = directory_of(root, name) + "/_data"; sys::is_mount_point(data))
        TRY(sys::unmount(data, MNT_DETACH), "remove volume {}", name);
    // Its mark goes after all else: what a power cut brings back has the mark, or is empty.
    TRY(sys::remove_tree(directory_of(root, name) + "/_data"), "remove volume {}", name);
    TRY(sys::remove_tree(directory_of(root, name)), "remove volume {}", name);
    return {};
}

Result<void> plan_volumes(Container& container, const std::vector<Volume>& known, const std::string& root,
                          std::vector<Volume>& made) {
    container.volumes.clear();
    const auto use = [&](const MountPoint& mount) -> Result<void> {
        const auto& wanted = mount.source;
        const std::string name = wanted.empty() ? random_id() : TRY(check_name(wanted, "volume"));
        auto volume = std::ranges::find(known, name, &Volume::name);
        std::string source;
        if (volume != known.end()) {
            source = volume->mountpoint;
        } else {
            TRY(check_volume_options(mount.driver_options), "volume {}", name);
            made.push_back(
                {.name = name, .labels = mount.labels, .options = mount.driver_options, .anonymous = wanted.empty()});
            complete_volume(made.back(), root);
            source = made.back().mountpoint;
        }
        container.volumes.push_back({.name = name,
                                     .source = source,
                                     .target = mount.target,
                                     .subpath = mount.subpath,
                                     .read_only = mount.read_only});
        return {};
    };
    for (const auto& mount : container.config.mounts) {
        if (mount.kind == MountKind::volume) TRY(use(mount));
    }
    for (const auto& target : container.config.volumes) {
        if (!std::ranges::contains(container.config.mounts, target, &MountPoint::target))
            TRY(use({.kind = MountKind::volume, .target = target}));
    }
    return {};
}

Result<void> copy_up(FdRef root, const std::string& target, const std::string& destination) {
    if (!TRY(sys::list_dir(destination)).empty()) return {};
    auto source = sys::open_in_root(root, target, O_RDONLY | O_DIRECTORY);
    if (!source && (source.error().kind() == Kind::not_found || source.error().error_number() == ENOTDIR)) return {};
    const Fd from = TRY(std::move(source), "open {} of the image", target);
    const Fd to = TRY(sys::open_path(destination, O_RDONLY | O_DIRECTORY));
    TRY(sys::copy_tree(from, to), "copy {} of the image into the volume", target);
    if (::syncfs(to.raw()) != 0) return fail_errno(errno, "write the volume {} to the disk", destination);
    return {};
}

}  // namespace diatom::engine
