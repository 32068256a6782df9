#include <algorithm>
#include <array>

#include "api/decode.h"
#include "base/strings.h"

namespace diatom::api {
namespace {

using engine::MountKind;
using engine::MountPoint;

Result<void> apply_bind_option(std::string_view option, MountPoint& mount) {
    static constexpr std::array<std::string_view, 6> kPropagations = {"shared",  "slave",  "private",
                                                                      "rshared", "rslave", "rprivate"};
    if (option == "ro") mount.read_only = true;
    else if (option == "nocopy") mount.no_copy = true;
    else if (std::ranges::find(kPropagations, option) != kPropagations.end()) mount.propagation = option;
    // SELinux relabelling (z, Z) means nothing without SELinux; rw, delegated and the like are the default.
    else if (option != "rw" && option != "z" && option != "Z" && option != "cached" && option != "delegated" &&
             option != "consistent") {
        return fail(Kind::invalid, "invalid mode: {}", option);
    }
    return {};
}

Result<MountPoint> decode_mount(const Json& item) {
    MountPoint mount;
    const auto type = TRY(json_string(item, "Type"));
    mount.source = TRY(json_string(item, "Source"));
    mount.target = TRY(json_string(item, "Target"));
    mount.read_only = TRY(json_bool(item, "ReadOnly"));
    if (type == "bind") {
        mount.kind = MountKind::bind;
        const Json& options = json_member(item, "BindOptions");
        mount.propagation = TRY(json_string(options, "Propagation"));
        mount.create_source = TRY(json_bool(options, "CreateMountpoint"));
    } else if (type == "volume") {
        mount.kind = MountKind::volume;
        const Json& options = json_member(item, "VolumeOptions");
        mount.no_copy = TRY(json_bool(options, "NoCopy"));
        if (!TRY(json_string(options, "Subpath")).empty())
            return fail(Kind::unsupported, "mount {}: volume-subpath is not in this version", mount.target);
        const auto driver = TRY(json_string(json_member(options, "DriverConfig"), "Name"));
        if (!driver.empty() && driver != "local")
            return fail(Kind::unsupported, "volume driver \"{}\" is not in this version: it has local", driver);
    } else if (type == "tmpfs") {
        mount.kind = MountKind::tmpfs;
        const Json& options = json_member(item, "TmpfsOptions");
        const auto size = TRY(json_int(options, "SizeBytes"));
        const auto mode = TRY(json_int(options, "Mode", 01777));
        mount.tmpfs_options = std::format("mode={:o}", mode);
        if (size > 0) mount.tmpfs_options += std::format(",size={}", size);
    } else {
        return fail(Kind::unsupported, "mount type \"{}\" is not in this version: it has bind, volume and tmpfs", type);
    }
    return mount;
}

}  // namespace

Result<MountPoint> decode_bind(std::string_view text) {
    const auto parts = split(text, ':');
    if (parts.size() > 3 || parts.front().empty())
        return fail(Kind::invalid, "invalid volume specification: '{}'", text);
    MountPoint mount;
    if (parts.size() == 1) {
        mount.kind = MountKind::volume;  // "-v /data": anonymous
        mount.target = parts[0];
    } else {
        mount.source = parts[0];
        mount.target = parts[1];
        mount.kind = mount.source.starts_with('/') ? MountKind::bind : MountKind::volume;
        mount.create_source = mount.kind == MountKind::bind;
    }
    if (parts.size() == 3) {
        for (const auto option : split(parts[2], ','))
            TRY(apply_bind_option(option, mount), "invalid volume specification: '{}'", text);
    }
    return mount;
}

Result<void> decode_mounts(const Json& host, engine::ContainerConfig& config) {
    for (const auto& bind : TRY(json_strings(host, "Binds"))) config.mounts.push_back(TRY(decode_bind(bind)));
    for (const auto& [target, options] : TRY(json_string_map(host, "Tmpfs"))) {
        config.mounts.push_back({.kind = MountKind::tmpfs, .target = target, .tmpfs_options = options});
    }
    const Json& mounts = json_member(host, "Mounts");
    if (!mounts.is_null() && !mounts.is_array()) return fail(Kind::invalid, "\"Mounts\" must be a list");
    for (const auto& item : mounts) config.mounts.push_back(TRY(decode_mount(item)));
    return {};
}

}  // namespace diatom::api
