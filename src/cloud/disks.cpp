// Partition tables and file systems. Source: cloud-init 25.2, "Disk Setup", "Growpart" and "Resizefs".
#include <algorithm>
#include <array>

#include "base/strings.h"
#include "cloud/draft.h"

namespace diatom::cloud {
namespace {

constexpr std::array kDiskKeys{Known{"table_type"}, Known{"layout"}, Known{"overwrite"}};
constexpr std::array kFileSystemKeys{
    Known{"label"},
    Known{"filesystem"},
    Known{"device"},
    Known{"partition"},
    Known{"overwrite"},
    Known{"extra_opts"},
    Known{"replace_fs", "a file system is replaced by overwrite alone, whatever it is"},
    Known{"cmd", "file systems are made by their own programs: name filesystem, and extra_opts for it"},
};
constexpr std::array kGrowKeys{
    Known{"mode"},
    Known{"devices"},
    Known{"ignore_growroot_disabled", "there is no such file here that could be ignored"},
};

constexpr std::string_view kRootGrows = "the state partition fills its disk at each boot: it grows without being asked";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Names that only the platform's block device mapping explains.
bool is_platform_name(std::string_view name) {
    if (name == "ami" || name == "root" || name == "swap") return true;
    return (name.starts_with("ephemeral") || name.starts_with("ebs")) && !name.contains(':');
}

// cloud-init takes these for what is below /dev.
bool is_short_name(std::string_view name) {
    static constexpr std::array<std::string_view, 7> kDisks{"sd", "hd", "vd", "xsd", "xhd", "xvd", "sr"};
    return !name.contains('/') &&
           std::ranges::any_of(kDisks, [&](auto disk) { return name.starts_with(disk) && name.size() > disk.size(); });
}

// Numbers of MBR's types, and those that sgdisk made of them.
std::string type_of(const std::string& number) {
    const auto lower = to_lower(number);
    if (lower == "82" || lower == "8200" || lower == "swap") return "swap";
    if (lower == "83" || lower == "8300" || lower == "linux") return "linux";
    if (lower == "ef" || lower == "ef00") return "esp";
    return number;
}

void add_partition(const Value& item, const machine::Path& path, Value& partitions, Draft& draft) {
    const bool is_pair = item.is_list() && item.items().size() == 2;
    const auto percent = whole(is_pair ? item.items()[0] : item);
    if (!percent || *percent < 1 || *percent > 100)
        return draft.notes.bad(item, path, "must be a share of the disk in percent, or [SHARE, TYPE]");
    auto partition = placed(Value::map(), item);
    if (*percent < 100) partition.set("percent", placed(Value::of(*percent), item));
    if (is_pair) {
        const auto& type = item.items()[1];
        partition.set("type", placed(Value::of(type_of(type.scalar_text())), type));
    }
    partitions.add(std::move(partition));
}

void read_layout(const Section& disk, Value& entry, Draft& draft) {
    const auto* layout = disk.find("layout");
    if (layout == nullptr) return;
    auto partitions = placed(Value::list(), *layout);
    if (layout->is_list()) {
        disk.each("layout",
                  [&](const Value& item, const machine::Path& path) { add_partition(item, path, partitions, draft); });
    } else if (layout->scalar_text() == "remove") {
        entry.set("wipe", placed(Value::of(true), *layout));
    } else if (disk.flag("layout").value_or(false)) {
        partitions.add(placed(Value::map(), *layout));
    } else {
        return;
    }
    entry.set("partitions", std::move(partitions));
}

void check_aliases(const Section& config) {
    const auto aliases = config.below("device_aliases");
    if (!aliases) return;
    for (const auto& [name, device] : aliases->value().members())
        if (!device.is_text()) config.notes().wrong(device, aliases->at(name), "a device such as /dev/vdb");
}

void read_disks(const Section& config, Draft& draft) {
    const auto disks = config.below("disk_setup");
    if (!disks) return;
    for (const auto& [name, value] : disks->value().members()) {
        const Section disk(value, disks->at(name), draft.notes);
        if (!disk.expect(kDiskKeys)) continue;
        const auto device = device_of(config, placed(Value::of(name), value), disk.path());
        if (!device) continue;
        auto entry = placed(Value::map(), value);
        auto table = disk.text("table_type").value_or("mbr");
        if (table == "dos") table = "mbr";
        entry.set("table", placed(Value::of(table), disk.has("table_type") ? *disk.find("table_type") : value));
        disk.flag_to("overwrite", entry, "wipe");
        read_layout(disk, entry, draft);
        draft.part({"disks"}, disks->value()).set(*device, std::move(entry));
    }
}

// Where the file system goes: the device itself, or one of its partitions.
std::string place_of(const Section& entry, const std::string& device, const Draft& draft) {
    const auto* partition = entry.find("partition");
    if (partition == nullptr) return device;
    if (const auto number = whole(*partition)) return partition_of(device, *number);
    const auto word = partition->scalar_text();
    if (word != "auto" && word != "any" && word != "none")
        entry.bad("partition", "must be a number, auto, any or none");
    const bool has_partitions = !draft.document.at("disks").at(device).at("partitions").items().empty();
    return word != "none" && has_partitions ? partition_of(device, 1) : device;
}

void read_file_system(const Section& config, const Section& entry, Draft& draft) {
    if (!entry.expect(kFileSystemKeys)) return;
    const auto* named = entry.find("device");
    if (named == nullptr) return draft.notes.bad(entry.value(), entry.path(), "a device is missing");
    // "ALIAS.1" says the partition, too.
    auto name = entry.text("device").value_or("");
    std::optional<std::int64_t> number;
    if (const auto halves = cut_last(name, '.'); halves && !name.starts_with('/')) {
        number = parse_int(halves->second);
        if (number) name = std::string(halves->first);
    }
    const auto device = device_of(config, placed(Value::of(name), *named), entry.at("device"));
    if (!device) return;
    auto made = placed(Value::map(), entry.value());
    const auto place = number ? partition_of(*device, *number) : place_of(entry, *device, draft);
    made.set("device", placed(Value::of(place), *named));
    entry.text_to("filesystem", made, "type");
    entry.text_to("label", made, "label");
    entry.texts_to("extra_opts", made, "options", " ");
    entry.flag_to("overwrite", made, "wipe");
    const auto* partition = entry.find("partition");
    // As documented, "none" writes it whatever is there.
    if (partition != nullptr && partition->scalar_text() == "none")
        made.set("wipe", placed(Value::of(true), *partition));
    auto* all = draft.document.find("filesystems");
    if (all == nullptr) all = &draft.document.set("filesystems", placed(Value::list(), entry.value()));
    all->add(std::move(made));
}

// "/dev/vdb1" as the disk and the number; nothing for what is no partition.
std::optional<std::pair<std::string, std::int64_t>> split_partition(const std::string& device) {
    auto end = device.size();
    while (end > 0 && is_digit(device[end - 1])) --end;
    const auto number = parse_int(std::string_view(device).substr(end));
    if (!device.starts_with("/dev/") || !number || *number == 0) return std::nullopt;
    auto disk = device.substr(0, end);
    if (disk.size() > 6 && disk.ends_with('p') && is_digit(disk[disk.size() - 2])) disk.pop_back();
    return std::pair(disk, *number);
}

void read_root_growth(const Section& config) {
    const auto* resize = config.find("resize_rootfs");
    if (resize == nullptr || resize->scalar_text() == "noblock") return;
    const auto wanted = truth(*resize);
    if (!wanted) config.bad("resize_rootfs", "must be true, false or noblock");
    else if (!*wanted) config.refuse("resize_rootfs", kRootGrows);
}

void read_growth(const Section& config, Draft& draft) {
    read_root_growth(config);
    const auto grow = config.below("growpart");
    if (!grow) return;
    grow->expect(kGrowKeys);
    const auto* said = grow->find("mode");
    const auto mode = said == nullptr ? "auto" : to_lower(said->scalar_text());
    if (mode == "off" || mode == "false") return grow->refuse("mode", kRootGrows);
    if (mode != "auto" && mode != "growpart" && mode != "gpart") return grow->bad("mode", "must be auto or off");
    const auto devices = grow->texts("devices");
    for (const auto& device : devices ? devices->items() : std::vector<Value>()) {
        if (device.text() == "/") continue;
        const auto partition = split_partition(device.text());
        if (!partition) {
            draft.notes.bad(device, grow->at("devices"), "must be / or a partition such as /dev/vdb1");
            continue;
        }
        auto entry = placed(Value::map(), device);
        entry.set("number", placed(Value::of(partition->second), device));
        entry.set("resize", placed(Value::of(true), device));
        draft.add({"disks", partition->first}, "partitions", std::move(entry), device);
    }
}

}  // namespace

std::optional<std::string> device_of(const Section& config, const Value& name, const machine::Path& path) {
    auto text = name.scalar_text();
    if (const auto* alias = config.find("device_aliases"); alias != nullptr && alias->has(text))
        text = alias->at(text).scalar_text();
    if (text.empty()) {
        config.notes().bad(name, path, "a device is missing");
        return std::nullopt;
    }
    if (is_platform_name(text)) {
        config.notes().refuse(name, path,
                              "only a platform's list of devices says what this is: name the device itself, or by "
                              "LABEL= or UUID=");
        return std::nullopt;
    }
    return is_short_name(text) ? "/dev/" + text : text;
}

std::string partition_of(const std::string& device, std::int64_t number) {
    const bool ends_in_digit = !device.empty() && is_digit(device.back());
    const bool by_name = device.starts_with("/dev/disk/");
    return std::format("{}{}{}", device, by_name ? "-part" : ends_in_digit ? "p" : "", number);
}

void translate_disks(const Section& config, Draft& draft) {
    check_aliases(config);
    read_disks(config, draft);
    config.each("fs_setup", [&](const Value& item, const machine::Path& path) {
        read_file_system(config, Section(item, path, draft.notes), draft);
    });
    read_growth(config, draft);
}

}  // namespace diatom::cloud
