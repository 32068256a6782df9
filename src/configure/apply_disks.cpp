// Tables of partitions and file systems, once in the life of an instance: what is wiped is wiped once.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <format>
#include <memory>

#include "base/strings.h"
#include "configure/apply.h"
#include "configure/file_system.h"
#include "configure/partition_table.h"
#include "sys/file.h"

namespace diatom::configure {
namespace {

constexpr const char* kDone = "disks-made";
constexpr int kNodeMs = 3000, kNodeStepMs = 20;

Result<Disk> open_disk(FdRef fd, const std::string& device) {
    Disk disk{.fd = fd};
    int sector = 512;
    if (::ioctl(fd.raw(), BLKGETSIZE64, &disk.bytes) < 0 || ::ioctl(fd.raw(), BLKSSZGET, &sector) < 0)
        return fail_errno(errno, "ask {} for its size", device);
    disk.sector = static_cast<unsigned>(sector);
    return disk;
}

std::string partition_path(const std::string& device, unsigned number) {
    const bool digit = device.back() >= '0' && device.back() <= '9';
    return std::format("{}{}{}", device, digit ? "p" : "", number);
}

// The kernel makes the nodes by itself, a moment later.
Result<void> await_nodes(const std::string& device, const DiskTable& table) {
    for (const auto& partition : table.partitions) {
        const auto path = partition_path(device, partition.number);
        for (int waited = 0; !sys::exists(path); waited += kNodeStepMs) {
            if (waited >= kNodeMs) return fail(Kind::timed_out, "{} did not appear", path);
            ::usleep(kNodeStepMs * 1000);
        }
    }
    return {};
}

Result<void> grow_file_systems(const std::string& device, const DiskTable& before, const DiskTable& now) {
    for (const auto& partition : now.partitions) {
        const auto old = std::ranges::find(before.partitions, partition.number, &Partition::number);
        const bool grown =
            old != before.partitions.end() && old->first == partition.first && old->last < partition.last;
        if (grown) TRY(grow_file_system(partition_path(device, partition.number)));
    }
    return {};
}

Result<void> partition_disk(const std::string& name, const Value& said) {
    const auto device = TRY(find_device(name));
    const auto fd = TRY(sys::open_path(device, O_RDWR | O_EXCL), "open {} (is it in use?)", device);
    const auto disk = TRY(open_disk(fd, device));
    const bool wipe = said.boolean_of("wipe"), mbr = said.text_of("table") == "mbr";
    auto old = wipe ? Result<std::optional<DiskTable>>(std::nullopt) : read_gpt(disk);
    if (!old) return std::unexpected(old.error());
    if (!wipe && !*old && !TRY(is_blank(device)))
        return fail(Kind::conflict, "{} is neither blank nor has a GPT: say wipe: true to lose what is on it", device);
    if (*old && mbr) return fail(Kind::conflict, "{} has a GPT: say wipe: true to have it replaced", device);
    const auto table = TRY(plan_table(*old, said, disk));
    TRY(mbr ? write_mbr(disk, table) : write_gpt(disk, table));
    if (::ioctl(fd.raw(), BLKRRPART) < 0) return fail_errno(errno, "have {} read anew", device);
    TRY(await_nodes(device, table));
    return *old ? grow_file_systems(device, **old, table) : Result<void>();
}

bool is_as_wanted(const FileSystem& there, const Value& said) {
    const auto label = said.text_of("label"), uuid = said.text_of("uuid");
    return there.type == said.text_of("type", there.type) && (label.empty() || label == there.label) &&
           (uuid.empty() || to_lower(uuid) == to_lower(there.uuid));
}

// The mark of a device that was wiped in the life of this instance: when another step failed, all are tried again, and
// what was written meanwhile stays.
std::string wiped_mark(std::string device) {
    std::ranges::replace(device, '/', '-');
    return "wiped" + device;
}

Result<void> make_wanted(const Value& said, const std::string& device) {
    return make_file_system({.device = device,
                             .type = said.text_of("type", "ext4"),
                             .label = said.text_of("label"),
                             .uuid = said.text_of("uuid"),
                             .options = said.texts_of("options")});
}

Result<void> have_file_system(const Value& said, const Root& root) {
    const auto device = TRY(find_device(said.text_of("device")));
    const auto there = TRY(file_system_of(device));
    const auto mark = wiped_mark(said.text_of("device"));
    const bool wipe = said.boolean_of("wipe"), wiped = was_done(root, mark);
    if (there && is_as_wanted(*there, said) && (!wipe || wiped)) return {};
    if (there && !wipe)
        return fail(Kind::conflict, "{} has another file system ({}): say wipe: true to lose what is on it", device,
                    there->type);
    if (!there && !wipe && !TRY(is_blank(device)))
        return fail(Kind::conflict, "{} is not blank: say wipe: true to lose what is on it", device);
    TRY(make_wanted(said, device));
    return wipe ? remember_done(root, "filesystems", mark).run() : Result<void>();
}

// A step that tells the last one whether all went well.
std::function<Result<void>()> noted(std::shared_ptr<bool> failed, std::function<Result<void>()> run) {
    return [failed = std::move(failed), run = std::move(run)] {
        auto done = run();
        *failed = *failed || !done;
        return done;
    };
}

}  // namespace

void plan_disks(const Value& machine, Phase phase, const Root& root, Plan& plan) {
    const auto& disks = machine.at("disks").members();
    const auto& systems = machine.at("filesystems").items();
    if (phase != Phase::boot || (disks.empty() && systems.empty()) || was_done(root, kDone)) return;
    const auto failed = std::make_shared<bool>(false);
    for (const auto& [device, said] : disks) {
        plan.steps.push_back({std::format("disks.\"{}\"", device), std::format("partition {}", device),
                              noted(failed, [device, said] { return partition_disk(device, said); })});
    }
    for (std::size_t i = 0; i < systems.size(); ++i) {
        const auto what = std::format("have a file system on {}", systems[i].text_of("device"));
        plan.steps.push_back({std::format("filesystems[{}]", i), what,
                              noted(failed, [said = systems[i], root] { return have_file_system(said, root); })});
    }
    // What failed is tried again at the next boot.
    const auto remember = remember_done(root, "disks", kDone);
    plan.steps.push_back({remember.key, remember.what, [=]() -> Result<void> {
                              if (*failed) return {};
                              return remember.run();
                          }});
}

}  // namespace diatom::configure
