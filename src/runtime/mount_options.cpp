#include "runtime/mount_options.h"

#include <sys/mount.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/strings.h"

namespace diatom::runtime {
namespace {

struct Attribute {
    std::string_view word;
    std::uint64_t set, clear;
};
// Each word also exists with an "r" before it, for the whole tree.
constexpr std::array<Attribute, 17> kAttributes = {{
    {"ro", MOUNT_ATTR_RDONLY, 0},
    {"rw", 0, MOUNT_ATTR_RDONLY},
    {"nosuid", MOUNT_ATTR_NOSUID, 0},
    {"suid", 0, MOUNT_ATTR_NOSUID},
    {"nodev", MOUNT_ATTR_NODEV, 0},
    {"dev", 0, MOUNT_ATTR_NODEV},
    {"noexec", MOUNT_ATTR_NOEXEC, 0},
    {"exec", 0, MOUNT_ATTR_NOEXEC},
    {"nodiratime", MOUNT_ATTR_NODIRATIME, 0},
    {"diratime", 0, MOUNT_ATTR_NODIRATIME},
    {"nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0},
    {"symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW},
    {"noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME},
    {"strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
    {"relatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"atime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"norelatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
}};

constexpr std::array<std::pair<std::string_view, std::uint64_t>, 4> kPropagations = {
    {{"private", MS_PRIVATE}, {"slave", MS_SLAVE}, {"shared", MS_SHARED}, {"unbindable", MS_UNBINDABLE}}};

// What is the case anyway.
constexpr std::array<std::string_view, 8> kNothing = {"defaults", "async",      "nomand",        "nolazytime",
                                                      "loud",     "noiversion", "nostrictatime", "silent"};
constexpr std::array<std::string_view, 3> kUnsupported = {"remount", "mand", "iversion"};
// The kernel knows these for every file system, as flags of the superblock.
constexpr std::array<std::string_view, 3> kSuperblock = {"sync", "dirsync", "lazytime"};

const Attribute* find_attribute(std::string_view word) {
    const auto* found = std::ranges::find(kAttributes, word, &Attribute::word);
    return found == kAttributes.end() ? nullptr : found;
}

void apply(const Attribute& attribute, sys::MountChange& change) {
    change.clear = (change.clear & ~attribute.set) | attribute.clear;
    change.set = (change.set & ~attribute.clear) | attribute.set;
}

std::optional<Propagation> find_propagation(std::string_view word) {
    for (const auto& [name, type] : kPropagations) {
        if (word == name) return Propagation{type, false};
        if (word.starts_with('r') && word.substr(1) == name) return Propagation{type, true};
    }
    return std::nullopt;
}

Result<void> take_option(const std::string& word, const Mount& mount, MountOptions& options) {
    if (word == "bind" || word == "rbind") {
        options.bind = word == "bind" ? MountOptions::Bind::single : MountOptions::Bind::recursive;
    } else if (word == "idmap" || word == "ridmap") {
        options.id_map = word == "idmap" ? MountOptions::IdMap::single : MountOptions::IdMap::recursive;
    } else if (word == "tmpcopyup") {
        options.copy_up = true;
    } else if (const auto* attribute = find_attribute(word)) {
        apply(*attribute, options.own);
    } else if (const auto propagation = find_propagation(word)) {
        options.propagation = propagation->type;
        options.propagation_recursive = propagation->recursive;
    } else if (const auto* below = word.starts_with('r') ? find_attribute(std::string_view(word).substr(1)) : nullptr) {
        apply(*below, options.recursive);
    } else if (std::ranges::contains(kUnsupported, std::string_view(word).substr(0, word.find('=')))) {
        return fail(Kind::unsupported, "mount {}: option \"{}\" is not supported by this version: remove it",
                    mount.destination, word);
    } else if (!std::ranges::contains(kNothing, word)) {
        const auto halves = cut(word, '=');
        options.data.push_back(halves ? sys::FsOption{std::string(halves->first), std::string(halves->second)}
                                      : sys::FsOption{word, ""});
    }
    return {};
}

}  // namespace

Result<MountOptions> parse_mount_options(const Mount& mount) {
    MountOptions options;
    for (const auto& word : mount.options) TRY(take_option(word, mount, options));
    if (mount.type == "bind" && options.bind == MountOptions::Bind::none) options.bind = MountOptions::Bind::single;
    if (options.id_map == MountOptions::IdMap::none && !mount.uid_mappings.empty()) {
        options.id_map = MountOptions::IdMap::single;
    }
    if (options.id_map != MountOptions::IdMap::none && options.bind == MountOptions::Bind::none) {
        return fail(Kind::unsupported, "mount {}: only a bind mount can be idmapped", mount.destination);
    }
    if (options.copy_up && mount.type != "tmpfs") {
        return fail(Kind::invalid, "mount {}: tmpcopyup is for tmpfs", mount.destination);
    }
    // Of a bind mount a file system's options mean nothing: mount(2) ignores its data, where the runtime-spec puts
    // them.
    if (options.bind != MountOptions::Bind::none) options.data.clear();
    return options;
}

std::vector<std::string> mount_option_words() {
    std::vector<std::string> words = {"bind", "rbind", "idmap", "ridmap", "tmpcopyup"};
    for (const auto& attribute : kAttributes) {
        words.emplace_back(attribute.word);
        words.push_back(std::format("r{}", attribute.word));
    }
    for (const auto& [name, type] : kPropagations) {
        words.emplace_back(name);
        words.push_back(std::format("r{}", name));
    }
    words.insert(words.end(), kNothing.begin(), kNothing.end());
    words.insert(words.end(), kSuperblock.begin(), kSuperblock.end());
    std::ranges::sort(words);
    return words;
}

Result<Propagation> parse_propagation(std::string_view word) {
    const auto found = find_propagation(word);
    if (!found)
        return fail(Kind::invalid,
                    "\"{}\" is no mount propagation: it must be private, slave, shared or unbindable, "
                    "with an \"r\" before it for the whole tree",
                    word);
    return *found;
}

}  // namespace diatom::runtime
