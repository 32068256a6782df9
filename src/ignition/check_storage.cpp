#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <optional>

#include "ignition/check.h"

namespace diatom::ignition {
namespace {

constexpr std::array<std::string_view, 3> kNodes{"files", "directories", "links"};

const Value& or_owner(const Value& owner, std::string_view key) { return owner.has(key) ? owner.at(key) : owner; }

void check_path(const Value& owner, std::string_view key, const Path& path, Report& report) {
    if (const auto fault = path_fault(owner.text_of(key)); !fault.empty()) {
        report.problem(or_owner(owner, key), path / key, fault);
    }
}

void check_mode(const Value& node, const Path& path, Report& report) {
    const auto* mode = node.find("mode");
    if (mode == nullptr) return;
    if (mode->integer() < 0 || mode->integer() > 07777) {
        report.problem(*mode, path / "mode", "must be from 0 to 4095, which is 07777 in octal");
    } else if ((mode->integer() & 07000) != 0) {
        report.warn(*mode, path / "mode", "setuid, setgid and sticky bits are of Ignition 3.6.0: they are ignored");
    }
}

void check_node(const Value& node, std::string_view kind, const Path& path, Report& report) {
    check_path(node, "path", path, report);
    check_mode(node, path, report);
    for (const auto* who : {"user", "group"}) {
        const auto& owner = node.at(who);
        if (owner.has("id") && !owner.text_of("name").empty()) {
            report.problem(owner, path / who, "has an id and a name: one of them");
        }
        if (owner.integer_of("id") < 0) report.problem(owner, path / who / "id", "must not be negative");
    }
    if (kind == "files" && node.boolean_of("overwrite") && !node.at("contents").has("source")) {
        report.problem(node.at("overwrite"), path / "overwrite", "nothing is said of the contents to overwrite with");
    }
}

// The nearest link of the document that a path leads through; Ignition follows none of its own.
const Value* link_above(const std::map<std::string_view, const Value*>& links, std::string_view path) {
    while (true) {
        const auto slash = path.rfind('/');
        if (slash == std::string_view::npos || slash == 0) return nullptr;
        path = path.substr(0, slash);
        if (const auto found = links.find(path); found != links.end()) return found->second;
    }
}

void check_link(const Value& link, const Value& storage, const Path& path, Report& report) {
    const auto target = link.text_of("target");
    if (target.empty()) report.problem(link, path / "target", "is missing");
    if (target.empty() || !link.boolean_of("hard")) return;
    const auto same = [&](const Value& directory) { return directory.text_of("path") == target; };
    if (std::ranges::any_of(storage.at("directories").items(), same)) {
        report.problem(link, path, "a hard link cannot lead to a directory");
    }
    if (link.has("user") || link.has("group")) report.warn(link, path, "the owner of a hard link is ignored");
}

void check_nodes(const Value& storage, int minor, Report& report) {
    std::map<std::string_view, const Value*> links;
    for (const auto& link : storage.at("links").items()) links.emplace(link.at("path").text(), &link);
    for (const auto kind : kNodes) {
        const auto& list = storage.at(kind).items();
        for (std::size_t i = 0; i < list.size(); ++i) {
            const auto path = (Path() / "storage" / kind).item(i);
            check_node(list[i], kind, path, report);
            if (link_above(links, list[i].at("path").text()) != nullptr) {
                report.problem(list[i], path, "its path leads through a link of this document");
            }
            if (kind == "links") check_link(list[i], storage, path, report);
            if (kind != "files") continue;
            check_resource(list[i].at("contents"), minor, path / "contents", report);
            const auto& fragments = list[i].at("append").items();
            for (std::size_t j = 0; j < fragments.size(); ++j) {
                check_resource(fragments[j], minor, (path / "append").item(j), report);
            }
        }
    }
}

bool is_guid(std::string_view text) {
    static constexpr std::string_view kShape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    if (text.empty()) return true;
    return text.size() == kShape.size() && std::ranges::equal(text, kShape, [](char c, char shape) {
               return shape == '-' ? c == '-' : std::isxdigit(static_cast<unsigned char>(c)) != 0;
           });
}

void check_partition(const Value& partition, const Path& path, Report& report) {
    const bool gone = partition.has("shouldExist") && !partition.boolean_of("shouldExist");
    const bool described = partition.has("label") || partition.has("startMiB") || partition.has("sizeMiB") ||
                           !partition.text_of("guid").empty() || !partition.text_of("typeGuid").empty();
    if (gone && described) report.problem(partition, path, "shall not exist, and is described all the same");
    if (partition.integer_of("number") == 0 && !partition.has("label")) {
        report.problem(partition, path, "needs a number or a label");
    }
    for (const auto* key : {"number", "startMiB", "sizeMiB"}) {
        if (partition.integer_of(key) < 0) report.problem(partition, path / key, "must not be negative");
    }
    const auto label = partition.text_of("label");
    if (label.size() > 36) report.problem(partition.at("label"), path / "label", "is longer than 36 characters");
    if (label.contains(':')) report.problem(partition.at("label"), path / "label", "must not have a colon");
    for (const auto* key : {"guid", "typeGuid"}) {
        if (!is_guid(partition.text_of(key))) {
            report.problem(partition.at(key), path / key, "must be a GUID: 8-4-4-4-12 hexadecimal digits");
        }
    }
}

// Where it lies, when both ends are known. Of the largest size: its start.
struct Extent {
    std::int64_t first, last;
};
std::optional<Extent> extent(const Value& partition) {
    const auto start = partition.integer_of("startMiB");
    if (!partition.has("sizeMiB") || start <= 0) return std::nullopt;
    const auto size = partition.integer_of("sizeMiB");
    if (size < 0 || size > INT64_MAX - start) return std::nullopt;
    return Extent{start, size == 0 ? start : start + size - 1};
}

constexpr std::size_t kMostPartitions = 128;

void check_disk(const Value& disk, const Path& path, Report& report) {
    check_path(disk, "device", path, report);
    const auto& partitions = disk.at("partitions").items();
    if (partitions.size() > kMostPartitions) {
        report.problem(disk, path / "partitions", "a partition table has 128 entries");
        return;
    }
    std::map<std::string_view, std::size_t> labels;
    bool numberless = false, removes = false;
    for (std::size_t i = 0; i < partitions.size(); ++i) {
        const auto here = (path / "partitions").item(i);
        check_partition(partitions[i], here, report);
        numberless |= partitions[i].integer_of("number") == 0;
        removes |= partitions[i].has("shouldExist") && !partitions[i].boolean_of("shouldExist");
        if (partitions[i].has("label") && !labels.emplace(partitions[i].at("label").text(), i).second) {
            report.problem(partitions[i], here / "label", "another partition of the disk has the same label");
        }
        const auto mine = extent(partitions[i]);
        for (std::size_t j = 0; j < i && mine; ++j) {
            const auto other = extent(partitions[j]);
            if (!other || mine->first > other->last || other->first > mine->last) continue;
            report.problem(partitions[i], here, std::format("overlaps partitions[{}]", j));
            break;
        }
    }
    if (numberless && removes) {
        report.problem(disk, path / "partitions", "a disk that partitions are removed from needs numbers for all");
    }
}

std::size_t longest_label(std::string_view format) {
    if (format == "ext4") return 16;
    if (format == "btrfs") return 256;
    if (format == "xfs") return 12;
    if (format == "swap") return 15;
    return format == "vfat" ? 11 : SIZE_MAX;
}

void check_file_system(const Value& made, int minor, const Path& path, Report& report) {
    static constexpr std::array<std::string_view, 6> kFormats{"ext4", "btrfs", "xfs", "vfat", "swap", "none"};
    check_path(made, "device", path, report);
    if (!made.text_of("path").empty()) check_path(made, "path", path, report);
    const auto format = made.text_of("format");
    if (format.empty()) {
        const bool described = !made.text_of("path").empty() || !made.text_of("label").empty() ||
                               !made.text_of("uuid").empty() || made.boolean_of("wipeFilesystem") ||
                               !made.at("options").items().empty() || !made.at("mountOptions").items().empty();
        if (described) report.problem(made, path / "format", "is missing");
    } else if (!std::ranges::contains(kFormats, format) || (format == "none" && minor < 3)) {
        report.problem(made.at("format"), path / "format", "must be ext4, btrfs, xfs, vfat, swap or none");
    }
    if (const auto most = longest_label(format); made.text_of("label").size() > most) {
        report.problem(made.at("label"), path / "label",
                       std::format("a label of {} has at most {} bytes", format, most));
    }
}

void check_raid(const Value& raid, const Path& path, Report& report) {
    static constexpr std::array<std::string_view, 15> kLevels{"linear", "raid0",  "0",     "stripe", "raid1",
                                                              "1",      "mirror", "raid4", "4",      "raid5",
                                                              "5",      "raid6",  "6",     "raid10", "10"};
    const auto level = raid.text_of("level");
    const auto at = std::ranges::find(kLevels, level);
    if (at == kLevels.end()) report.problem(or_owner(raid, "level"), path / "level", "must be a level of md(4)");
    if (at < kLevels.begin() + 4 && raid.integer_of("spares") != 0) {
        report.problem(raid.at("spares"), path / "spares", "this level has no spares");
    }
    if (raid.at("devices").items().empty()) report.problem(raid, path / "devices", "is missing");
    for (const auto& device : raid.at("devices").items()) {
        if (const auto fault = path_fault(device.text()); !fault.empty()) {
            report.problem(device, path / "devices", fault);
        }
    }
}

}  // namespace

std::string_view path_fault(std::string_view path) {
    if (path.empty()) return "is missing";
    if (!path.starts_with('/')) return "must be an absolute path";
    const bool doubled = path.contains("//") || path.contains('\0') || (path.size() > 1 && path.ends_with('/'));
    const bool dotted = path.contains("/./") || path.contains("/../") || path.ends_with("/.") || path.ends_with("/..");
    return doubled || dotted ? "must be a path without \".\", \"..\", and needless slashes" : "";
}

void check_storage(const Value& storage, int minor, Report& report) {
    const auto each = [&](std::string_view kind, auto check) {
        const auto& list = storage.at(kind).items();
        for (std::size_t i = 0; i < list.size(); ++i) check(list[i], (Path() / "storage" / kind).item(i));
    };
    check_nodes(storage, minor, report);
    each("disks", [&](const Value& disk, const Path& path) { check_disk(disk, path, report); });
    each("filesystems", [&](const Value& made, const Path& path) { check_file_system(made, minor, path, report); });
    each("raid", [&](const Value& raid, const Path& path) { check_raid(raid, path, report); });
    each("luks", [&](const Value& luks, const Path& path) { check_luks(luks, minor, path, report); });
}

}  // namespace diatom::ignition
