#include "init/block.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "sys/file.h"

namespace diatom::init {
namespace {

constexpr std::array<std::string_view, 6> kNeverState{"loop", "ram", "sr", "zram", "nbd", "fd"};
constexpr std::size_t kProbeStart = 4096;  // tells what is there, unless there seems to be nothing

Result<std::string> read_at(FdRef fd, std::uint64_t offset, std::size_t size) {
    std::string bytes(size, '\0');
    std::size_t done = 0;
    while (done < size) {
        const ssize_t got = ::pread(fd.raw(), bytes.data() + done, size - done, static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_errno(errno, "read {} bytes at {}", size, offset);
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    bytes.resize(done);
    return bytes;
}

std::optional<BlockDevice> describe(const std::string& sysfs, const std::string& name) {
    const auto is_prefix = [&](std::string_view prefix) { return name.starts_with(prefix); };
    if (std::ranges::any_of(kNeverState, is_prefix)) return std::nullopt;
    const std::string dir = sysfs + "/" + name;
    const auto size = sys::read_file(dir + "/size", 64);
    const auto sectors = size ? parse_uint(trim(*size)) : std::nullopt;
    if (!sectors || *sectors == 0) return std::nullopt;
    BlockDevice device{.name = name, .path = "/dev/" + name};
    device.bytes = *sectors * kSysfsSector;
    device.partition = sys::exists(dir + "/partition");
    const auto read_only = sys::read_file(dir + "/ro", 8);
    device.read_only = read_only && trim(*read_only) == "1";
    const auto event = sys::read_file(dir + "/uevent", 4096).value_or("");
    for (const auto line : split(event, '\n')) {
        if (line.starts_with("PARTNAME=")) device.partition_name = line.substr(9);
        if (line.starts_with("DEVNAME=")) device.path = "/dev/" + std::string(line.substr(8));
    }
    return device;
}

}  // namespace

Result<void> probe(BlockDevice& device) {
    const auto fd = TRY(sys::open_path(device.path, O_RDONLY | O_NONBLOCK), "probe {}", device.path);
    auto head = TRY(read_at(fd, 0, std::min<std::uint64_t>(kProbeStart, device.bytes)), "probe {}", device.path);
    device.contents = classify(head, {});
    device.ext4 = parse_ext4(head);
    // Boot is quicker without the rest, which only matters for what might be formatted.
    if (device.contents == Contents::ext4 || device.contents == Contents::other) return {};
    head = TRY(read_at(fd, 0, std::min<std::uint64_t>(kProbeHead, device.bytes)), "probe {}", device.path);
    const auto tail_size =
        std::min<std::uint64_t>(kProbeTail, device.bytes - std::min<std::uint64_t>(head.size(), device.bytes));
    const auto tail = TRY(read_at(fd, device.bytes - tail_size, tail_size), "probe {}", device.path);
    device.contents = classify(head, tail);
    return {};
}

std::vector<BlockDevice> scan_block_devices(const std::string& sys_class_block) {
    std::vector<BlockDevice> devices;
    auto names = sys::list_dir(sys_class_block);
    if (!names) return devices;
    std::ranges::sort(*names);
    for (const auto& name : *names) {
        auto device = describe(sys_class_block, name);
        if (device) devices.push_back(std::move(*device));
    }
    for (auto& device : devices) {
        device.partitioned = !device.partition && std::ranges::any_of(devices, [&](const BlockDevice& other) {
            return other.partition && other.name.starts_with(device.name);
        });
    }
    std::erase_if(devices, [](BlockDevice& device) { return !probe(device); });
    return devices;
}

}  // namespace diatom::init
