#include "engine/spec_builder.h"

#include <fcntl.h>
#include <linux/mount.h>

#include <algorithm>
#include <tuple>

#include "base/strings.h"
#include "engine/etc_files.h"
#include "engine/merge.h"
#include "engine/spec_devices.h"
#include "engine/spec_mounts.h"
#include "engine/spec_security.h"
#include "runtime/runtime.h"
#include "sys/file.h"
#include "sys/mount.h"

namespace diatom::engine {
namespace {

using runtime::NamespaceKind;
using runtime::Spec;

constexpr std::size_t kMaxPasswd = 8U << 20U;

// What login(1) would set. "/" when the user has no entry, as runc.
std::string home_of(FdRef root, std::uint32_t uid) {
    auto file = sys::open_in_root(root, "/etc/passwd", O_RDONLY | O_NONBLOCK);
    const std::string text = file ? sys::read_all(*file, kMaxPasswd).value_or("") : "";
    for (const auto line : split(text, '\n')) {
        const auto parts = split(line, ':');
        if (parts.size() >= 6 && parse_uint(parts[2]) == uid && !parts[5].empty()) return std::string(parts[5]);
    }
    return "/";
}

std::vector<std::string> process_env(const Container& container, bool tty, const std::vector<std::string>& more,
                                     const std::string& home) {
    std::vector<std::string> env = {kDefaultPath, "HOSTNAME=" + hostname_of(container)};
    if (tty) env.emplace_back("TERM=xterm");
    env.insert(env.end(), container.link_env.begin(), container.link_env.end());
    env = merge_env(merge_env(std::move(env), container.env), more);
    if (!std::ranges::any_of(env, [](const auto& e) { return e.starts_with("HOME="); })) env.push_back("HOME=" + home);
    return env;
}

std::string capability_name(std::string_view name) {
    std::string upper;
    for (const char c : name) upper += static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    return upper.starts_with("CAP_") || upper == "ALL" ? upper : "CAP_" + upper;
}

Result<std::vector<std::string>> capabilities_of(const ContainerConfig& config) {
    std::vector<std::string> add, drop;
    for (const auto& name : config.cap_add) add.push_back(capability_name(name));
    for (const auto& name : config.cap_drop) drop.push_back(capability_name(name));
    const auto& all = runtime::all_capabilities();
    for (const auto& list : {add, drop}) {
        for (const auto& name : list) {
            if (name != "ALL" && !std::ranges::contains(all, name)) {
                return fail(Kind::invalid, "invalid capability: \"{}\"", name);
            }
        }
    }
    std::vector<std::string> set;
    if (std::ranges::contains(add, "ALL")) {
        set = all;
    } else if (!std::ranges::contains(drop, "ALL")) {
        set = runtime::default_capabilities();
    }
    if (!std::ranges::contains(drop, "ALL"))
        std::erase_if(set, [&](const auto& n) { return std::ranges::contains(drop, n); });
    for (const auto& name : add) {
        if (name != "ALL" && !std::ranges::contains(set, name)) set.push_back(name);
    }
    return set;
}

Result<void> apply_privileges(Spec& spec, const ContainerConfig& config) {
    if (config.privileged) {
        runtime::make_privileged(spec);
    } else {
        auto set = TRY(capabilities_of(config));
        spec.seccomp = runtime::default_seccomp(set);
        spec.process.capabilities = {.bounding = set, .effective = set, .permitted = set};
    }
    return apply_security(spec, config);
}

void set_namespace(Spec& spec, NamespaceKind kind, bool host, const std::string& path) {
    std::erase_if(spec.namespaces, [&](const auto& n) { return n.kind == kind; });
    if (!host) spec.namespaces.push_back({.kind = kind, .path = path});
}

// [rows, columns] of the terminal as it starts; who attaches says later what it has become.
std::pair<unsigned short, unsigned short> console_size(const ContainerConfig& config) {
    const Json& size = json_member(config.raw_host_config, "ConsoleSize");
    const auto side = [&](std::size_t i) {
        const bool known = size.is_array() && size.size() == 2 && size[i].is_number_unsigned();
        return static_cast<unsigned short>(known ? std::min<std::uint64_t>(size[i].get<std::uint64_t>(), 65535) : 0);
    };
    return {side(0), side(1)};
}

// In a network namespace of its own a container's user may serve any port and ping, whoever that is: as Docker.
void add_network_sysctls(std::map<std::string, std::string>& sysctls, const std::string& mode) {
    if (mode == "host" || mode.starts_with("container:")) return;
    sysctls.emplace("net.ipv4.ip_unprivileged_port_start", "0");
    sysctls.emplace("net.ipv4.ping_group_range", "0 2147483647");
}

void apply_namespaces(Spec& spec, const SpecInputs& inputs) {
    const auto& config = inputs.container->config;
    set_namespace(spec, NamespaceKind::network, config.network_mode == "host", inputs.network_path);
    set_namespace(spec, NamespaceKind::pid, config.pid_mode == "host", inputs.pid_path);
    set_namespace(spec, NamespaceKind::ipc, config.ipc_mode == "host", inputs.ipc_path);
    set_namespace(spec, NamespaceKind::uts, config.uts_mode == "host", "");
    set_namespace(spec, NamespaceKind::cgroup, config.cgroupns_mode == "host" || inputs.cgroup.empty(), "");
}

Result<void> apply_resources(Spec& spec, const ContainerConfig& config) {
    auto rules = std::move(spec.resources.devices);
    spec.resources = config.resources;
    for (const auto* more : {&config.resources.devices, &config.device_rules})
        rules.insert(rules.end(), more->begin(), more->end());
    spec.resources.devices = config.privileged ? std::vector<runtime::DeviceRule>() : std::move(rules);
    return apply_block_limits(spec.resources, config.block_limits);
}

void apply_root(Spec& spec, const SpecInputs& inputs) {
    const auto& config = inputs.container->config;
    using Source = runtime::Root::Source;
    if (config.host_root) {
        spec.root = {.source = Source::host};
    } else if (config.system_root) {
        spec.root = {.source = Source::directory, .path = "/", .read_only = true};
    } else {
        const auto& rootfs = *inputs.rootfs;
        spec.root = {.source = Source::overlay,
                     .path = rootfs.merged,
                     .lower = rootfs.lower,
                     .upper = rootfs.upper,
                     .work = rootfs.work,
                     .read_only = config.read_only_root};
    }
}

Result<Fd> root_view(const SpecInputs& inputs) {
    if (inputs.rootfs) return open_root_view(*inputs.rootfs);
    return sys::open_path("/", O_RDONLY | O_DIRECTORY);
}

Result<Fd> open_layers(const std::vector<std::string>& layers) {
    // Without upper and work directory overlayfs is read-only. "lowerdir+" (Linux 6.8) takes one path at a time, so
    // that neither their number nor a colon in a path matters.
    std::vector<sys::FsOption> options;
    for (const auto& layer : layers) options.push_back({"lowerdir+", layer});
    return TRY(sys::make_mount("overlay", options, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODEV),
               "open the container's root file system");
}

}  // namespace

Result<Fd> open_root_view(const image::RootFs& rootfs) {
    std::vector<std::string> layers = {rootfs.upper};
    layers.insert(layers.end(), rootfs.lower.begin(), rootfs.lower.end());
    return open_layers(layers);
}

Result<Fd> open_image_view(const image::RootFs& rootfs) {
    // overlayfs wants two at least.
    if (rootfs.lower.size() == 1) return sys::open_path(rootfs.lower.front(), O_RDONLY | O_DIRECTORY);
    return open_layers(rootfs.lower);
}

Result<Spec> build_spec(const SpecInputs& inputs) {
    const Container& container = *inputs.container;
    const auto& config = container.config;
    Spec spec = runtime::default_spec();
    spec.id = container.id;
    spec.hostname = config.uts_mode == "host" || config.host_root ? "" : hostname_of(container);
    if (config.uts_mode != "host") spec.domainname = config.domainname;
    spec.cgroup = inputs.cgroup;
    apply_root(spec, inputs);
    TRY(apply_privileges(spec, config));
    apply_namespaces(spec, inputs);
    TRY(apply_resources(spec, config));
    TRY(apply_devices(spec, config));
    TRY(apply_mounts(spec, container, inputs.staged));

    const Fd root = TRY(root_view(inputs));
    auto& process = spec.process;
    process.user = TRY(runtime::resolve_user(root, container.user, config.group_add));
    process.args = container.argv;
    // In somebody else's pid namespace it would not be the one that reaps.
    if (config.init && (config.pid_mode.empty() || config.pid_mode == "private")) bind_init(spec, inputs.init_program);
    process.env = process_env(container, config.tty, {}, home_of(root, process.user.uid));
    process.cwd = container.working_dir;
    process.make_cwd = true;
    process.terminal = config.tty;
    std::tie(process.rows, process.columns) = console_size(config);
    process.rlimits = config.ulimits;
    process.oom_score_adj = config.oom_score_adj;
    spec.sysctl = config.sysctls;
    add_network_sysctls(spec.sysctl, config.network_mode);
    // As Docker: capabilities are root's; another user gets them only through what it executes.
    if (process.user.uid != 0) {
        process.capabilities.effective.clear();
        process.capabilities.permitted.clear();
    }
    return spec;
}

Result<runtime::Process> build_exec(const Container& container, const ExecConfig& config, FdRef root) {
    runtime::Process process;
    const auto& user = config.user.empty() ? container.user : config.user;
    process.user = TRY(runtime::resolve_user(root, user, container.config.group_add));
    process.args = config.cmd;
    process.env = process_env(container, config.tty, config.env, home_of(root, process.user.uid));
    process.cwd = config.working_dir.empty() ? container.working_dir : config.working_dir;
    process.terminal = config.tty;
    process.rows = config.rows;
    process.columns = config.columns;
    auto set = config.privileged || container.config.privileged ? runtime::all_capabilities()
                                                                : TRY(capabilities_of(container.config));
    process.capabilities = {.bounding = set, .effective = set, .permitted = set};
    const auto security = TRY(parse_security(container.config.security_opt));
    process.no_new_privileges = security.no_new_privileges;
    process.apparmor_profile = security.apparmor;
    process.rlimits = container.config.ulimits;
    process.oom_score_adj = container.config.oom_score_adj;
    if (process.user.uid != 0) {
        process.capabilities.effective.clear();
        process.capabilities.permitted.clear();
    }
    return process;
}

}  // namespace diatom::engine
