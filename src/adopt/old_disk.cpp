#include "adopt/old_disk.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <format>

#include "configure/file_system.h"
#include "init/superblock.h"
#include "sys/file.h"
#include "sys/mount.h"

namespace diatom::adopt {
namespace {

constexpr std::uint64_t kAttributes =
    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOATIME;
constexpr std::size_t kSuperblocks = 4096;

Result<std::string> find(const std::string& device) {
    auto found = configure::find_device(device.empty() ? std::format("LABEL={}", kOldLabel) : device);
    if (!found && device.empty())
        return fail(Kind::not_found,
                    "no file system has the label {}: attach the disk of RancherOS, or name it with "
                    "--device",
                    kOldLabel);
    return found;
}

// Whoever has mounted it, in whatever namespace, holds it alone.
Result<void> require_free(const std::string& device) {
    const auto held = sys::open_path(device, O_RDONLY | O_EXCL);
    if (!held && held.error().error_number() == EBUSY)
        return fail(Kind::conflict,
                    "{} is in use: `umount` it, and take it out of the configuration's `mounts`, or "
                    "stop the container that has it",
                    device);
    if (!held) return Failure(held.error());
    std::string head(kSuperblocks, '\0');
    const auto got = ::pread(held->raw(), head.data(), head.size(), 0);
    if (got < 0) return fail_errno(errno, "read {}", device);
    const auto ext4 = init::parse_ext4(std::string_view(head).substr(0, static_cast<std::size_t>(got)));
    if (!ext4) return fail(Kind::corrupt, "{} has no superblock of ext4", device);
    if (!ext4->clean)
        return fail(Kind::conflict,
                    "{0} was not unmounted in order: start RancherOS once more and shut it down, or "
                    "have it repaired here with `e2fsck -p {0}`",
                    device);
    return {};
}

Result<Fd> read_only(const std::string& device) {
    const Fd mount = TRY(sys::make_mount("ext4", {{"source", device}, {"ro", ""}}, kAttributes), "mount {}", device);
    return sys::open_in_root(mount, ".", O_RDONLY | O_DIRECTORY);
}

Result<bool> is_mounted_at(const std::string& device, const std::string& place) {
    return TRY(sys::stat_path(device)).st_rdev == TRY(sys::stat_path(place)).st_dev;
}

}  // namespace

Result<OldDisk> open_old_disk(const std::string& device, const std::string& state) {
    OldDisk disk{.device = TRY(find(device)), .uuid = {}, .root = {}};
    const auto there = TRY(configure::file_system_of(disk.device));
    if (!there || there->type != "ext4")
        return fail(Kind::unsupported, "{} has {}: the state of RancherOS is read from ext4", disk.device,
                    there ? "a file system of type " + there->type : std::string("no file system that is known here"));
    disk.uuid = there->uuid;
    disk.is_state = TRY(is_mounted_at(disk.device, state));
    if (disk.is_state) {
        disk.root = TRY(sys::open_path(state, O_RDONLY | O_DIRECTORY));
    } else {
        TRY(require_free(disk.device));
        disk.root = TRY(read_only(disk.device));
    }
    return disk;
}

}  // namespace diatom::adopt
