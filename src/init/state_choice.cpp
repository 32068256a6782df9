#include "init/state_choice.h"

#include <algorithm>
#include <format>

namespace diatom::init {
namespace {

using Action = StateChoice::Action;

StateChoice choose_named_partition(const BlockDevice& device) {
    switch (device.contents) {
        case Contents::ext4: return {Action::use, device, {}, {}};
        case Contents::blank:
        case Contents::marked: return {Action::format, device, {}, "the partition is empty"};
        case Contents::other: break;
    }
    return {Action::memory,
            device,
            std::format(
                "{} is named {} but holds no ext4 file system; repair it (e2fsck -b 32768 {}), or wipe its first MiB "
                "to have it formatted",
                device.path, device.partition_name, device.path),
            {}};
}

StateChoice choose_autoformat(const BlockDevice& device) {
    if (device.contents == Contents::blank && !device.partitioned) {
        return {Action::format, device, {}, "the kernel command line names it and it is blank"};
    }
    return {
        Action::memory,
        device,
        std::format("{} was to be formatted but is not blank; wipe its first MiB and its last 128 KiB if nothing on it "
                    "is needed",
                    device.path),
        {}};
}

}  // namespace

StateChoice choose_state(const std::vector<BlockDevice>& devices, const std::string& label,
                         const std::vector<std::string>& autoformat) {
    std::vector<const BlockDevice*> labelled;
    for (const auto& device : devices) {
        if (device.ext4 && device.ext4->label == label && !device.partitioned) labelled.push_back(&device);
    }
    if (!labelled.empty()) {
        StateChoice choice{Action::use, *labelled.front(), {}, {}};
        if (labelled.size() > 1) {
            choice.note = std::format("{} devices are labelled {}; the first is used", labelled.size(), label);
        }
        return choice;
    }
    const auto named = std::ranges::find(devices, label, &BlockDevice::partition_name);
    if (named != devices.end()) return choose_named_partition(*named);
    const auto marked = std::ranges::find(devices, Contents::marked, &BlockDevice::contents);
    if (marked != devices.end()) return {Action::format, *marked, {}, "it carries the empty marker"};
    for (const auto& path : autoformat) {
        const auto device = std::ranges::find(devices, path, &BlockDevice::path);
        if (device != devices.end()) return choose_autoformat(*device);
    }
    StateChoice none;
    if (!autoformat.empty()) none.problem = std::format("{} does not exist", autoformat.front());
    return none;
}

}  // namespace diatom::init
