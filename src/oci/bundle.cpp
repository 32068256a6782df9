#include "oci/bundle.h"

#include <fcntl.h>
#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "sys/file.h"

namespace diatom::oci {
namespace {

constexpr const char* kDefaultCgroup = "diatom/runtime/";

Result<std::string> real_path(const std::string& path, std::string_view what) {
    const std::unique_ptr<char, decltype([](char* text) { ::free(text); })> real(::realpath(path.c_str(), nullptr));
    if (!real) return fail_errno(errno, "{} {}", what, path);
    return std::string(real.get());
}

std::string below(const std::string& bundle, const std::string& path) {
    return path.starts_with('/') ? path : std::format("{}/{}", bundle, path);
}

Result<void> choose_cgroup(runtime::Spec& spec, CgroupManager manager) {
    if (manager == CgroupManager::cgroupfs) {
        if (spec.cgroup.contains(':')) {
            return fail(Kind::unsupported,
                        "linux.cgroupsPath \"{}\" is for systemd, which this runtime does not talk to: give a path",
                        spec.cgroup);
        }
        if (spec.cgroup.empty()) spec.cgroup = kDefaultCgroup + spec.id;
        return {};
    }
    spec.cgroup.clear();
    const auto& limits = spec.resources;
    const bool limited = limits.memory_max || limits.memory_low || limits.memory_high || limits.swap_max ||
                         limits.pids_max || limits.cpu_weight || limits.cpu_quota_us || limits.cpu_period_us ||
                         !limits.cpus.empty() || !limits.mems.empty() || !limits.unified.empty() ||
                         limits.cpu_burst_us || limits.cpu_idle || limits.io_weight || !limits.io_limits.empty() ||
                         !limits.hugepages.empty() || !limits.rdma.empty();
    if (!limited) return {};
    return fail(Kind::unsupported,
                "linux.resources asks for limits, and cgroups are disabled (--cgroup-manager disabled): "
                "remove the limits, or use --cgroup-manager cgroupfs");
}

}  // namespace

Result<runtime::Spec> load_bundle(const std::string& bundle, const std::string& id, CgroupManager cgroups) {
    const auto path = TRY(real_path(bundle, "bundle"));
    const auto file = path + "/config.json";
    const Json document = TRY(parse_json(TRY(sys::read_file(file)), file));
    auto spec = TRY(runtime::decode_spec(document, runtime::UnknownFields::ignore), "{}", file);
    // Without a process it can be created, not started (runtime-spec config, "Process").
    if (!json_member(document, "process").is_null() && spec.process.args.empty()) {
        return fail(Kind::invalid, "{}: process.args is missing: it names the program", file);
    }
    if (spec.root.path.empty()) return fail(Kind::invalid, "{}: root.path is missing", file);
    spec.id = id;
    spec.bundle = path;
    spec.process.make_cwd = true;  // as runc and crun do, and containerd relies on for a WORKDIR that is missing
    spec.root.path = TRY(real_path(below(path, spec.root.path), "root file system"));
    for (auto& mount : spec.mounts) {
        const bool bind = mount.type == "bind" || std::ranges::contains(mount.options, "bind") ||
                          std::ranges::contains(mount.options, "rbind");
        if (bind) mount.source = below(path, mount.source);
    }
    runtime::add_default_devices(spec);
    TRY(choose_cgroup(spec, cgroups), "{}", file);
    return spec;
}

}  // namespace diatom::oci
