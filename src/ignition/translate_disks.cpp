#include <algorithm>

#include "ignition/translate_parts.h"

namespace diatom::ignition {
namespace {

Value translate_partition(const Value& partition) {
    static constexpr std::array kNames{
        Rename{"label", "label"},   Rename{"typeGuid", "type"},           Rename{"guid", "guid"},
        Rename{"resize", "resize"}, Rename{"wipePartitionEntry", "wipe"},
    };
    auto made = marked(Value::map(), partition);
    if (partition.integer_of("number") > 0) made.set("number", partition.at("number"));
    copy_keys(partition, kNames, made);
    static constexpr std::array kSizes{Rename{"startMiB", "start"}, Rename{"sizeMiB", "size"}};
    for (const auto& [theirs, ours] : kSizes) {
        const auto mebibytes = partition.integer_of(theirs);
        if (mebibytes > 0) made.set(ours, marked(Value::of(std::format("{}m", mebibytes)), partition.at(theirs)));
    }
    if (partition.has("shouldExist") && !partition.boolean_of("shouldExist")) made.set("absent", Value::of(true));
    return made;
}

Value translate_disk(const Value& disk) {
    auto made = marked(Value::map(), disk);
    made.set("table", "gpt");
    made.set("wipe", Value::of(disk.boolean_of("wipeTable")));
    auto partitions = marked(Value::list(), disk);
    for (const auto& partition : disk.at("partitions").items()) partitions.add(translate_partition(partition));
    if (!partitions.items().empty()) made.set("partitions", std::move(partitions));
    return made;
}

class FileSystems {
public:
    FileSystems(Value& machine, Report& report) : machine_(machine), report_(report) {}

    void translate(const Value& made, const Path& path) {
        const auto format = made.text_of("format");
        if (format == "btrfs" || format == "xfs") {
            report_.problem(made, path / "format", std::format("{}: ext4, vfat and swap are made here", format));
        } else if (format == "none" && made.boolean_of("wipeFilesystem")) {
            report_.problem(made, path / "format", "none: a file system is replaced, not only erased");
        } else if (!format.empty() && format != "none") {
            add(made);
        }
        if (!made.text_of("path").empty() && format != "swap") mount(made, format);
    }

private:
    void add(const Value& made) {
        static constexpr std::array kNames{
            Rename{"device", "device"}, Rename{"format", "type"},     Rename{"label", "label"},
            Rename{"uuid", "uuid"},     Rename{"options", "options"},
        };
        auto system = marked(Value::map(), made);
        copy_keys(made, kNames, system);
        system.set("wipe", Value::of(made.boolean_of("wipeFilesystem")));
        if (!machine_.has("filesystems")) machine_.set("filesystems", marked(Value::list(), made));
        machine_.find("filesystems")->add(std::move(system));
    }

    // Ignition mounts it while it works; here it stays, as its documentation says that it should.
    void mount(const Value& made, std::string_view format) {
        static constexpr std::array kNames{Rename{"device", "source"}, Rename{"path", "target"},
                                           Rename{"mountOptions", "options"}};
        auto mount = marked(Value::map(), made);
        copy_keys(made, kNames, mount);
        if (format != "none") mount.set("type", format);
        if (!machine_.has("mounts")) machine_.set("mounts", marked(Value::list(), made));
        machine_.find("mounts")->add(std::move(mount));
    }

    Value& machine_;
    Report& report_;
};

}  // namespace

void translate_disks(const Value& storage, Value& machine, Report& report) {
    const auto path = Path() / "storage";
    if (!storage.at("disks").items().empty()) {
        auto disks = marked(Value::map(), storage.at("disks"));
        for (const auto& disk : storage.at("disks").items()) disks.set(disk.text_of("device"), translate_disk(disk));
        machine.set("disks", std::move(disks));
    }
    const auto& systems = storage.at("filesystems").items();
    for (std::size_t i = 0; i < systems.size(); ++i) {
        FileSystems(machine, report).translate(systems[i], (path / "filesystems").item(i));
    }
    for (const auto& raid : storage.at("raid").items()) {
        report.problem(raid, path / "raid", "there is no mdadm here: use one disk, or a RAID of the hardware");
    }
    for (const auto& luks : storage.at("luks").items()) {
        report.problem(luks, path / "luks", "there is no cryptsetup here: encrypt below the machine");
    }
}

}  // namespace diatom::ignition
