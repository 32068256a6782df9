#include "engine/spec_mounts.h"

#include <sys/stat.h>

#include <algorithm>

#include "base/strings.h"
#include "sys/file.h"

namespace diatom::engine {
namespace {

using runtime::Mount;

std::ptrdiff_t depth(const Mount& mount) { return std::ranges::count(mount.destination, '/'); }

void put(std::vector<Mount>& mounts, Mount mount) {
    // A mount of the user's takes the place of a default one at the same path.
    std::erase_if(mounts, [&](const auto& m) { return m.destination == mount.destination; });
    mounts.push_back(std::move(mount));
}

Mount bind_of(const std::string& source, const std::string& target, bool read_only, const std::string& propagation) {
    return {.destination = target,
            .type = "bind",
            .source = source,
            .options = {"rbind", read_only ? "ro" : "rw", propagation.empty() ? "rprivate" : propagation}};
}

// As Docker since version 25: read-only is also what is mounted below, unless asked for otherwise.
Mount bind_of(const MountPoint& mount) {
    auto result = bind_of(mount.source, mount.target, mount.read_only, mount.propagation);
    if (mount.top_only) result.options[0] = "bind";
    if (mount.read_only && !mount.top_only && !mount.writable_below) result.options[1] = "rro";
    return result;
}

Mount tmpfs_of(const MountPoint& mount) {
    Mount result{
        .destination = mount.target, .type = "tmpfs", .source = "tmpfs", .options = {"noexec", "nosuid", "nodev"}};
    for (const auto option : split(mount.tmpfs_options, ',')) {
        if (option.empty()) continue;
        // What the user says overrides the default of the same name.
        if (option == "exec" || option == "suid" || option == "dev")
            std::erase(result.options, "no" + std::string(option));
        result.options.emplace_back(option);
    }
    if (mount.read_only) result.options.emplace_back("ro");
    return result;
}

Result<void> check_source(const MountPoint& mount) {
    struct stat status{};
    if (::stat(mount.source.c_str(), &status) == 0) return {};
    if (!mount.create_source) {
        return fail(Kind::invalid, "invalid mount config for type \"bind\": bind source path does not exist: {}",
                    mount.source);
    }
    return sys::make_dirs(mount.source);
}

void add_etc_files(std::vector<Mount>& mounts, const Container& container) {
    const auto& config = container.config;
    if (config.host_root) return;
    // A system container has the machine's own /etc, which may be read-only and without these files.
    if (config.system_root) return;
    put(mounts, bind_of(container.hostname_path, "/etc/hostname", false, ""));
    put(mounts, bind_of(container.hosts_path, "/etc/hosts", false, ""));
    put(mounts, bind_of(container.resolv_conf_path, "/etc/resolv.conf", false, ""));
}

}  // namespace

Result<void> apply_mounts(runtime::Spec& spec, const Container& container, const StagedSources& staged) {
    const auto& config = container.config;
    auto& mounts = spec.mounts;
    if (config.host_root) mounts.clear();  // the machine's own /proc, /dev and /sys
    for (auto& mount : mounts) {
        if (mount.destination != kShm) continue;
        std::erase_if(mount.options, [](const auto& option) { return option.starts_with("size="); });
        mount.options.push_back("size=" + std::to_string(config.shm_size));
    }
    if (config.ipc_mode == "host" && !config.host_root) put(mounts, bind_of(kShm, kShm, false, ""));
    if (config.ipc_mode == "none") std::erase_if(mounts, [](const auto& m) { return m.destination == kShm; });
    if (config.ipc_mode.starts_with("container:")) put(mounts, bind_of(staged.at(kShm), kShm, false, ""));
    add_etc_files(mounts, container);
    for (const auto& use : container.volumes) {
        const auto part = staged.find(use.target);
        if (!use.name.empty())
            put(mounts, bind_of(part == staged.end() ? use.source : part->second, use.target, use.read_only, ""));
    }
    for (const auto& use : container.images) put(mounts, bind_of(staged.at(use.target), use.target, use.read_only, ""));
    for (const auto& mount : config.mounts) {
        if (mount.kind == MountKind::tmpfs) put(mounts, tmpfs_of(mount));
        if (mount.kind != MountKind::bind) continue;
        TRY(check_source(mount));
        put(mounts, bind_of(mount));
    }
    std::ranges::stable_sort(mounts, {}, depth);
    return {};
}

void bind_init(runtime::Spec& spec, const std::string& program) {
    put(spec.mounts, bind_of(program, kInitTarget, true, ""));
    spec.process.args.insert(spec.process.args.begin(), {kInitTarget, "--"});
}

}  // namespace diatom::engine
