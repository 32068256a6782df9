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

Result<void> decode_bind_options(const Json& options, MountPoint& mount) {
    mount.propagation = TRY(json_string(options, "Propagation"));
    mount.create_source = TRY(json_bool(options, "CreateMountpoint"));
    mount.top_only = TRY(json_bool(options, "NonRecursive"));
    mount.writable_below = TRY(json_bool(options, "ReadOnlyNonRecursive"));
    if (TRY(json_bool(options, "ReadOnlyForceRecursive")) && (mount.writable_below || mount.top_only))
        return fail(Kind::invalid, "mount {}: ReadOnlyForceRecursive contradicts the other bind options", mount.target);
    return {};
}

Result<void> decode_volume_options(const Json& options, MountPoint& mount) {
    mount.no_copy = TRY(json_bool(options, "NoCopy"));
    mount.subpath = TRY(json_string(options, "Subpath"));
    mount.labels = TRY(json_string_map(options, "Labels"));
    const Json& driver = json_member(options, "DriverConfig");
    const auto name = TRY(json_string(driver, "Name"));
    if (!name.empty() && name != "local")
        return fail(Kind::unsupported, "volume driver \"{}\" is not in this version: it has local", name);
    mount.driver_options = TRY(json_string_map(driver, "Options"));
    return {};
}

Result<void> decode_tmpfs_options(const Json& options, MountPoint& mount) {
    const auto size = TRY(json_int(options, "SizeBytes"));
    if (size < 0) return fail(Kind::invalid, "mount {}: the size of a tmpfs cannot be negative", mount.target);
    mount.tmpfs_options = std::format("mode={:o}", TRY(json_int(options, "Mode", 01777)));
    if (size > 0) mount.tmpfs_options += std::format(",size={}", size);
    for (const auto& pair : json_member(options, "Options")) {
        if (!pair.is_array() || pair.empty() || pair.size() > 2 || !pair.front().is_string() ||
            !pair.back().is_string())
            return fail(Kind::invalid, "mount {}: an option of a tmpfs is [NAME] or [NAME, VALUE]", mount.target);
        mount.tmpfs_options += "," + pair[0].get<std::string>();
        if (pair.size() == 2) mount.tmpfs_options += "=" + pair[1].get<std::string>();
    }
    return {};
}

struct MountType {
    std::string_view name;
    MountKind kind;
    const char* options;  // the member that has its options
    Result<void> (*decode)(const Json& options, MountPoint& mount);
};
Result<void> decode_image_options(const Json& options, MountPoint& mount) {
    mount.subpath = TRY(json_string(options, "Subpath"));
    return {};
}
constexpr std::array kTypes = {
    MountType{"bind", MountKind::bind, "BindOptions", decode_bind_options},
    MountType{"volume", MountKind::volume, "VolumeOptions", decode_volume_options},
    MountType{"tmpfs", MountKind::tmpfs, "TmpfsOptions", decode_tmpfs_options},
    MountType{"image", MountKind::image, "ImageOptions", decode_image_options},
};

Result<MountPoint> decode_mount(const Json& item) {
    MountPoint mount;
    const auto name = TRY(json_string(item, "Type"));
    const auto* type = std::ranges::find(kTypes, name, &MountType::name);
    if (type == kTypes.end()) {
        return fail(Kind::unsupported,
                    "invalid mount config for type \"{}\": mount type unknown: it must be bind, volume, tmpfs or image",
                    name);
    }
    mount.kind = type->kind;
    mount.source = TRY(json_string(item, "Source"));
    mount.target = TRY(json_string(item, "Target"));
    mount.read_only = TRY(json_bool(item, "ReadOnly"));
    const auto bad = [&](std::string_view why) {
        return fail(Kind::invalid, "invalid mount config for type \"{}\": {}", name, why);
    };
    if (mount.target.empty()) return bad("field Target must not be empty");
    const bool named = mount.kind == MountKind::bind || mount.kind == MountKind::image;
    if (named && mount.source.empty()) return bad("field Source must not be empty");
    if (mount.kind == MountKind::tmpfs && !mount.source.empty()) return bad("field Source must not be specified");
    for (const auto& other : kTypes) {
        if (other.kind != mount.kind && !json_member(item, other.options).is_null())
            return bad(std::format("field {} must not be specified", other.options));
    }
    if (mount.kind == MountKind::volume && mount.source.empty() &&
        !TRY(json_string(json_member(item, type->options), "Subpath")).empty())
        return bad("must not set Subpath when using anonymous volumes");
    TRY(type->decode(json_member(item, type->options), mount), "mount {}", mount.target);
    return mount;
}

// What mount(8) knows of a tmpfs, as Docker's list.
Result<void> check_tmpfs_options(const std::string& options) {
    static constexpr std::array<std::string_view, 16> kFlags = {
        "defaults", "ro",   "rw",    "suid",  "nosuid",  "dev",      "nodev",      "exec",
        "noexec",   "sync", "async", "atime", "noatime", "diratime", "nodiratime", "relatime"};
    static constexpr std::array<std::string_view, 7> kValues = {"size",      "mode",      "uid", "gid",
                                                                "nr_inodes", "nr_blocks", "mpol"};
    for (const auto option : split(options, ',')) {
        const auto halves = cut(option, '=');
        const bool known = halves ? std::ranges::contains(kValues, halves->first)
                                  : option.empty() || std::ranges::contains(kFlags, option);
        if (!known) return fail(Kind::invalid, "invalid tmpfs option [\"{}\"]", option);
    }
    return {};
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
        TRY(check_tmpfs_options(options));
        config.mounts.push_back({.kind = MountKind::tmpfs, .target = target, .tmpfs_options = options});
    }
    const Json& mounts = json_member(host, "Mounts");
    if (!mounts.is_null() && !mounts.is_array()) return fail(Kind::invalid, "\"Mounts\" must be a list");
    for (const auto& item : mounts) config.mounts.push_back(TRY(decode_mount(item)));
    return {};
}

}  // namespace diatom::api
