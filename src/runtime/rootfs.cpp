#include "runtime/rootfs.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/strings.h"
#include "runtime/init.h"
#include "runtime/targets.h"
#include "sys/file.h"
#include "sys/tree_copy.h"

namespace diatom::runtime {
namespace {

constexpr const char* kHostCgroups = "/sys/fs/cgroup";

// What may be mounted over files of /proc: read-only views of statistics (lxcfs), as runc allows.
constexpr std::array<std::string_view, 10> kAllowedInProc = {
    "/proc/cpuinfo", "/proc/diskstats", "/proc/loadavg",
    "/proc/meminfo", "/proc/net/dev",   "/proc/slabinfo",
    "/proc/stat",    "/proc/swaps",     "/proc/sys/crypto/fips_enabled",
    "/proc/uptime"};

bool is_bind(const MountOptions& options) { return options.bind != MountOptions::Bind::none; }

// A mount inside /proc could make our own checks of it lie to us (CVE-2019-19921, CVE-2023-27561).
Result<void> refuse_over_proc(FdRef target, const std::string& destination) {
    struct statfs status{};
    if (::fstatfs(target.raw(), &status) < 0) return fail_errno(errno, "stat {}", destination);
    if (status.f_type != PROC_SUPER_MAGIC || std::ranges::contains(kAllowedInProc, destination)) return {};
    return fail(Kind::denied, "mount {}: nothing may be mounted inside /proc", destination);
}

Result<Shape> shape_of(FdRef tree) {
    struct stat status{};
    if (::fstat(tree.raw(), &status) < 0) return fail_errno(errno, "stat");
    return S_ISDIR(status.st_mode) ? Shape::directory : Shape::file;
}

std::string escape_layer(const std::string& path) {
    std::string escaped;
    for (const char c : path) {
        if (c == ':' || c == '\\') escaped += '\\';
        escaped += c;
    }
    return escaped;
}

std::vector<sys::FsOption> overlay_options(const Root& root, bool layer_by_layer) {
    std::vector<sys::FsOption> options;
    std::string joined;
    for (const auto& layer : root.lower) {
        if (layer_by_layer) options.push_back({"lowerdir+", layer});
        else joined += (joined.empty() ? "" : ":") + escape_layer(layer);
    }
    if (!layer_by_layer) options.push_back({"lowerdir", joined});
    if (!root.upper.empty()) {
        options.push_back({"upperdir", root.upper});
        options.push_back({"workdir", root.work});
    }
    return options;
}

// "lowerdir+" came with Linux 6.7; before, all layers had to fit into one option.
Result<Fd> make_overlay(const Root& root) {
    if (root.lower.empty()) return fail(Kind::invalid, "an overlay root needs at least one layer");
    auto mount = sys::make_mount("overlay", overlay_options(root, true));
    if (mount || mount.error().error_number() != EINVAL || !mount.error().what().contains("lowerdir+")) return mount;
    return sys::make_mount("overlay", overlay_options(root, false));
}

// In a user namespace that does not map group 5 the kernel refuses the option.
void drop_unmapped_tty_group(const Spec& spec, std::vector<sys::FsOption>& data) {
    if (!has_new_namespace(spec, NamespaceKind::user)) return;
    std::erase_if(data, [&](const sys::FsOption& option) {
        if (option.key != "gid") return false;
        const auto gid = parse_uint(option.value);
        return gid && std::ranges::none_of(spec.gid_mappings, [&](const IdMapping& m) {
                   return *gid >= m.container && *gid - m.container < m.size;
               });
    });
}

}  // namespace

Result<RootFs> RootFs::open(const Spec& spec, std::map<std::size_t, Fd>& id_mapped) {
    RootFs fs(spec);
    TRY(fs.collect_sources(id_mapped));
    const bool host = spec.root.source == Root::Source::host;
    fs.place_ = TRY(sys::open_path(host ? "/" : spec.root.path, O_PATH | O_DIRECTORY), "root file system");
    return fs;
}

Result<void> RootFs::build() {
    TRY(stop_propagation());
    TRY(mount_root(), "root file system");
    TRY(mount_all());
    if (owns_dev()) {
        TRY(make_devices(root_, spec_->devices, has_namespace(*spec_, NamespaceKind::user)));
        TRY(make_device_links(root_));
    }
    TRY(mask_paths(root_, spec_->masked_paths));
    return protect_paths(root_, spec_->readonly_paths);
}

// Bind sources are the host's paths, and are copied while the propagation is still the host's: what is asked to be
// shared with the host then is.
Result<void> RootFs::collect_sources(std::map<std::size_t, Fd>& id_mapped) {
    for (std::size_t i = 0; i < spec_->mounts.size(); ++i) {
        const auto& mount = spec_->mounts[i];
        Source source{.mount = &mount, .options = TRY(parse_mount_options(mount)), .tree = Fd()};
        if (const auto mapped = id_mapped.find(i); mapped != id_mapped.end()) {
            source.tree = std::move(mapped->second);
        } else if (is_bind(source.options)) {
            const bool recursive = source.options.bind == MountOptions::Bind::recursive;
            source.tree = TRY(sys::clone_mount(FdRef(), mount.source, recursive), "bind {} to {}", mount.source,
                              mount.destination);
        }
        sources_.push_back(std::move(source));
    }
    return {};
}

Result<void> RootFs::stop_propagation() const {
    // The user engine's root: the host's later mounts shall appear in it, its own not on the host unless asked for.
    const bool host = spec_->root.source == Root::Source::host;
    Propagation propagation{host ? std::uint64_t{MS_SLAVE} : std::uint64_t{MS_PRIVATE}, true};
    if (host && !spec_->rootfs_propagation.empty()) propagation = TRY(parse_propagation(spec_->rootfs_propagation));
    return sys::set_propagation("/", propagation.type, propagation.recursive);
}

Result<void> RootFs::mount_root() {
    const Root& root = spec_->root;
    if (root.source == Root::Source::host) {
        root_ = std::move(place_);
        return {};
    }
    if (root.source == Root::Source::overlay) {
        root_ = TRY(make_overlay(root), "{}", root.path);
    } else {
        root_ = TRY(sys::clone_mount(place_, "", true), "{}", root.path);
    }
    TRY(sys::attach_mount(root_, place_), "{}", root.path);
    place_.reset();
    return {};
}

Result<void> RootFs::mount_all() {
    for (auto& source : sources_) TRY(mount_one(source), "mount {} in container", source.mount->destination);
    if (!spec_->sysctl.empty() && !sysctls_written_) {
        const auto procfs = TRY(sys::make_mount("proc", {}), "mount /proc for sysctls");
        TRY(write_sysctls(procfs));
    }
    return {};
}

Result<void> RootFs::mount_one(Source& source) {
    const Mount& mount = *source.mount;
    const bool bind = is_bind(source.options);
    Fd tree = bind                     ? std::move(source.tree)
              : source.options.copy_up ? TRY(make_copied_up(source))
                                       : TRY(make_file_system(source));
    if (mount.type == "proc" && !bind && !spec_->sysctl.empty()) TRY(write_sysctls(tree));
    const bool trusted = mount.type == "proc" || mount.type == "sysfs";
    const Shape shape = bind ? TRY(shape_of(tree)) : Shape::directory;
    const auto target = trusted && !bind ? TRY(open_plain_directory(root_, mount.destination))
                                         : TRY(open_target(root_, mount.destination, shape));
    if (mount.type != "proc" || bind) TRY(refuse_over_proc(target, mount.destination));
    if (bind && (source.options.own.set != 0 || source.options.own.clear != 0))
        TRY(sys::change_mount(tree, source.options.own));
    if (source.options.changes_recursively()) {
        source.options.recursive.recursive = true;
        TRY(sys::change_mount(tree, source.options.recursive));
    }
    // A bind mount that says nothing is private: what the host mounts below it later stays the host's.
    const bool says = source.options.propagation != 0;
    if (bind || says) {
        const sys::MountChange change{.propagation = says ? source.options.propagation : std::uint64_t{MS_PRIVATE},
                                      .recursive = says ? source.options.propagation_recursive : true};
        TRY(sys::change_mount(tree, change));
    }
    return sys::attach_mount(tree, target);
}

Result<Fd> RootFs::make_file_system(const Source& source) const {
    const Mount& mount = *source.mount;
    const std::uint64_t attributes = source.options.own.set;
    const bool cgroups = mount.type == "cgroup" || mount.type == "cgroup2";
    std::vector<sys::FsOption> data = cgroups ? std::vector<sys::FsOption>() : source.options.data;
    if (!mount.source.empty()) data.push_back({"source", mount.source});
    if (mount.type == "devpts") drop_unmapped_tty_group(*spec_, data);
    // Mounted from the host's cgroup namespace, cgroup2 would take over our options for the whole machine.
    const bool own_cgroups = cgroups && has_namespace(*spec_, NamespaceKind::cgroup);
    if (!cgroups || own_cgroups) {
        auto made = sys::make_mount(cgroups ? "cgroup2" : mount.type, data, attributes);
        // sysfs belongs to the network namespace, cgroup2 to the cgroup namespace: without one of its own, a user
        // namespace may only see what the host has mounted.
        const bool other_owner = mount.type == "sysfs" || cgroups;
        if (made || !other_owner || made.error().error_number() != EPERM) return made;
    }
    auto copy = TRY(sys::clone_mount(FdRef(), cgroups ? kHostCgroups : "/sys", true));
    if (attributes != 0) TRY(sys::change_mount(copy, {.set = attributes, .recursive = true}));
    return copy;
}

// A tmpfs that begins as a copy of the directory that it covers. What `mode` says of it stands all the same.
Result<Fd> RootFs::make_copied_up(Source& source) const {
    const std::uint64_t attributes = std::exchange(source.options.own.set, 0);
    auto tree = TRY(make_file_system(source));
    const auto covered = TRY(open_target(root_, source.mount->destination, Shape::directory));
    const auto from = TRY(sys::open_at(covered, ".", O_RDONLY | O_DIRECTORY));
    const auto to = TRY(sys::open_at(tree, ".", O_RDONLY | O_DIRECTORY));
    struct stat before{};
    if (::fstat(to.raw(), &before) < 0) return fail_errno(errno, "stat");
    TRY(sys::copy_tree(from, to), "copy what it covers");
    const bool says = std::ranges::contains(source.options.data, "mode", &sys::FsOption::key);
    if (says && ::fchmod(to.raw(), before.st_mode & 07777U) < 0) return fail_errno(errno, "set its mode");
    source.options.own.set = attributes;
    TRY(sys::change_mount(tree, {.set = attributes}));
    return tree;
}

Result<void> RootFs::write_sysctls(FdRef procfs) {
    sysctls_written_ = true;
    return set_sysctls(procfs, *spec_);
}

// A /dev that comes from elsewhere (-v /dev:/dev, the host's root) is not ours to fill.
bool RootFs::owns_dev() const {
    if (spec_->root.source == Root::Source::host) return false;
    return std::ranges::none_of(sources_, [](const Source& source) {
        const auto& destination = source.mount->destination;
        return is_bind(source.options) && (destination == "/dev" || destination == "/dev/");
    });
}

void RootFs::take_back() const noexcept {
    if (has_new_namespace(*spec_, NamespaceKind::mount) || spec_->root.source == Root::Source::host) return;
    if (root_ && ::fchdir(root_.raw()) == 0) ::umount2(".", MNT_DETACH);
}

Result<void> RootFs::seal() {
    const bool host = spec_->root.source == Root::Source::host;
    if (spec_->root.read_only) TRY(sys::change_mount(root_, {.set = MOUNT_ATTR_RDONLY}), "make the root read-only");
    if (host) return {};
    // pivot_root(2), "pivot_root(".", ".")": the old root ends up below the new one and is detached from there.
    if (::fchdir(root_.raw()) < 0) return fail_errno(errno, "enter the root file system");
    if (::syscall(SYS_pivot_root, ".", ".") < 0) return fail_errno(errno, "pivot_root to {}", spec_->root.path);
    if (::umount2(".", MNT_DETACH) < 0) return fail_errno(errno, "detach the host's mounts");
    if (::chdir("/") < 0) return fail_errno(errno, "enter the root file system");
    if (!spec_->rootfs_propagation.empty()) {
        const auto propagation = TRY(parse_propagation(spec_->rootfs_propagation));
        TRY(sys::set_propagation("/", propagation.type, propagation.recursive));
    }
    return {};
}

}  // namespace diatom::runtime
