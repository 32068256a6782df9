// The device that a name means.
#include <algorithm>
#include <array>
#include <format>

#include "base/strings.h"
#include "configure/file_system.h"
#include "configure/partition_table.h"
#include "sys/file.h"

namespace diatom::configure {
namespace {

constexpr const char* kBlocks = "/sys/class/block/";
constexpr std::array<std::string_view, 4> kNever{"loop", "ram", "zram", "fd"};

enum class By : std::uint8_t { label, uuid, partition_label, partition_uuid };
struct Form {
    std::string_view prefix;
    By by;
};
constexpr std::array kForms{
    Form{"LABEL=", By::label},
    Form{"UUID=", By::uuid},
    Form{"PARTLABEL=", By::partition_label},
    Form{"PARTUUID=", By::partition_uuid},
    Form{"/dev/disk/by-label/", By::label},
    Form{"/dev/disk/by-uuid/", By::uuid},
    Form{"/dev/disk/by-partlabel/", By::partition_label},
    Form{"/dev/disk/by-partuuid/", By::partition_uuid},
};

std::vector<std::string> block_names() {
    auto names = sys::list_dir(kBlocks).value_or(std::vector<std::string>());
    std::erase_if(names, [](const std::string& name) {
        return std::ranges::any_of(kNever, [&](auto prefix) { return name.starts_with(prefix); }) ||
               trim(sys::read_file(kBlocks + name + "/size", 64).value_or("0")) == "0";
    });
    std::ranges::sort(names);
    return names;
}

std::string property(const std::string& name, std::string_view key) {
    const auto event = sys::read_file(kBlocks + name + "/uevent", 4096).value_or("");
    for (const auto line : split(event, '\n')) {
        if (line.starts_with(key)) return std::string(line.substr(key.size()));
    }
    return {};
}

// By its disk's table: the kernel tells names of partitions, but not all of its versions their UUIDs.
std::string partition_uuid(const std::string& name) {
    const auto number = parse_uint(trim(sys::read_file(kBlocks + name + "/partition", 64).value_or("")));
    const auto link = sys::read_link(kBlocks + name).value_or("");
    const auto parts = split(link, '/');
    if (!number || parts.size() < 2) return {};
    const auto table = read_table("/dev/" + std::string(parts[parts.size() - 2]));
    if (!table || !*table) return {};
    for (const auto& partition : (*table)->partitions) {
        if (partition.number == *number) return partition.guid;
    }
    return {};
}

bool is_called(const std::string& name, By by, std::string_view wanted) {
    switch (by) {
        case By::partition_label: return property(name, "PARTNAME=") == wanted;
        case By::partition_uuid: return to_lower(partition_uuid(name)) == to_lower(wanted);
        case By::label:
        case By::uuid: break;
    }
    const auto found = file_system_of("/dev/" + name);
    if (!found || !*found) return false;
    return by == By::label ? (*found)->label == wanted : to_lower((*found)->uuid) == to_lower(wanted);
}

}  // namespace

Result<std::string> find_device(std::string_view name) {
    for (const auto& [prefix, by] : kForms) {
        if (!name.starts_with(prefix)) continue;
        auto wanted = std::string(name.substr(prefix.size()));
        if (wanted.size() > 1 && wanted.front() == '"' && wanted.back() == '"')
            wanted = wanted.substr(1, wanted.size() - 2);
        for (const auto& block : block_names()) {
            if (is_called(block, by, wanted)) return "/dev/" + block;
        }
        return fail(Kind::not_found, "no device is called {}", name);
    }
    if (!name.starts_with("/dev/") || !sys::exists(std::string(name)))
        return fail(Kind::not_found, "there is no device {}", name);
    return std::string(name);
}

}  // namespace diatom::configure
