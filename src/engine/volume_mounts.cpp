#include "engine/volume_mounts.h"

#include <linux/mount.h>
#include <sys/mount.h>

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "runtime/mount_options.h"
#include "sys/file.h"
#include "sys/log.h"
#include "sys/mount.h"

namespace diatom::engine {
namespace {

std::string option(const std::map<std::string, std::string>& options, const char* key) {
    const auto found = options.find(key);
    return found == options.end() ? std::string() : found->second;
}

bool kernel_has(const std::string& type) {
    const auto text = sys::read_file("/proc/filesystems").value_or("");
    for (const auto line : split(text, '\n')) {
        const auto words = split_words(line);
        if (!words.empty() && words.back() == type) return true;
    }
    return false;
}

runtime::Mount mount_of(const std::map<std::string, std::string>& options, const std::string& target) {
    runtime::Mount mount{.destination = target, .type = option(options, "type"), .source = option(options, "device")};
    const auto words = option(options, "o");
    for (const auto word : split(words, ',')) {
        if (!word.empty()) mount.options.emplace_back(word);
    }
    return mount;
}

Result<void> mount_volume(const Volume& volume) {
    const auto mount = mount_of(volume.options, volume.mountpoint);
    const auto options = TRY(runtime::parse_mount_options(mount));
    if (options.bind != runtime::MountOptions::Bind::none) {
        const bool recursive = options.bind == runtime::MountOptions::Bind::recursive;
        const Fd tree = TRY(sys::clone_mount(FdRef(), mount.source, recursive));
        if (options.own.set != 0 || options.own.clear != 0) TRY(sys::change_mount(tree, options.own));
        return sys::attach_mount(tree, volume.mountpoint);
    }
    auto data = options.data;
    data.push_back({"source", mount.source});
    const Fd tree = TRY(sys::make_mount(mount.type, data, options.own.set));
    return sys::attach_mount(tree, volume.mountpoint);
}

Result<void> check_size_option(const std::map<std::string, std::string>& options) {
    const auto size = options.find("size");
    if (size == options.end()) return {};
    if (options.size() > 1) {
        return fail(Kind::invalid,
                    "volume option size: it limits volumes on the state partition; for a tmpfs, say o=size={}",
                    size->second);
    }
    if (parse_bytes(size->second).value_or(0) == 0) return fail(Kind::invalid, "invalid size: '{}'", size->second);
    return {};
}

}  // namespace

std::uint64_t size_limit_of(const Volume& volume) { return parse_bytes(option(volume.options, "size")).value_or(0); }

Result<void> check_volume_options(const std::map<std::string, std::string>& options) {
    static constexpr std::array<std::string_view, 4> kKnown = {"type", "device", "o", "size"};
    for (const auto& [key, value] : options) {
        if (!std::ranges::contains(kKnown, key)) return fail(Kind::invalid, "invalid option: \"{}\"", key);
    }
    TRY(check_size_option(options));
    if (options.empty() || options.contains("size")) return {};
    for (const char* key : {"device", "type"}) {
        if (option(options, key).empty()) return fail(Kind::invalid, "missing required option: \"{}\"", key);
    }
    const auto parsed = TRY(runtime::parse_mount_options(mount_of(options, "volume")));
    const auto type = option(options, "type");
    if (parsed.bind == runtime::MountOptions::Bind::none && !kernel_has(type)) {
        return fail(Kind::unsupported,
                    "volume type \"{}\": this kernel has no such file system (see /proc/filesystems)", type);
    }
    return {};
}

Result<void> VolumeMounts::hold(const Volume& volume, const std::string& holder) {
    if (option(volume.options, "type").empty()) return {};
    const std::lock_guard guard(mutex_);
    auto& entry = entries_[volume.name];
    entry.mountpoint = volume.mountpoint;
    if (!sys::is_mount_point(volume.mountpoint)) {
        TRY(mount_volume(volume), "failed to mount local volume {}: {} on {}", volume.name,
            option(volume.options, "device"), volume.mountpoint);
    }
    entry.holders.insert(holder);
    return {};
}

std::vector<std::string> VolumeMounts::held() {
    const std::lock_guard guard(mutex_);
    std::vector<std::string> all;
    for (const auto& [name, entry] : entries_) all.push_back(entry.mountpoint);
    return all;
}

void VolumeMounts::release(const std::string& holder) {
    const std::lock_guard guard(mutex_);
    for (auto it = entries_.begin(); it != entries_.end();) {
        auto& entry = it->second;
        entry.holders.erase(holder);
        if (!entry.holders.empty()) {
            ++it;
            continue;
        }
        if (sys::is_mount_point(entry.mountpoint)) {
            if (auto undone = sys::unmount(entry.mountpoint, MNT_DETACH); !undone)
                log::error("a volume stays mounted", {{"volume", it->first}, {"error", undone.error().what()}});
        }
        it = entries_.erase(it);
    }
}

}  // namespace diatom::engine
