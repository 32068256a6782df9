#include <fcntl.h>

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "runtime/init.h"
#include "runtime/rootfs.h"
#include "sys/file.h"

namespace diatom::runtime {
namespace {

constexpr std::array<std::string_view, 8> kIpcNames = {"kernel/msgmax", "kernel/msgmnb",         "kernel/msgmni",
                                                       "kernel/sem",    "kernel/shmall",         "kernel/shmmax",
                                                       "kernel/shmmni", "kernel/shm_rmid_forced"};

// "net.ipv4.ip_forward" and "net/ipv4/ip_forward" are the same; with slashes, dots belong to the names.
std::string path_of(const std::string& name) {
    std::string path = name;
    if (!path.contains('/')) std::ranges::replace(path, '.', '/');
    return path;
}

// What is not in a namespace of the container would change the host.
Result<void> check(const std::string& name, const std::string& path, const Spec& spec) {
    for (const auto part : split(path, '/')) {
        if (part.empty() || part == "." || part == "..") return fail(Kind::invalid, "\"{}\" is no sysctl", name);
    }
    const bool ipc = std::ranges::contains(kIpcNames, path) || path.starts_with("fs/mqueue/");
    const bool net = path.starts_with("net/");
    const bool uts = path == "kernel/domainname";
    if (ipc && has_namespace(spec, NamespaceKind::ipc)) return {};
    if (net && has_namespace(spec, NamespaceKind::network)) return {};
    if (uts && has_namespace(spec, NamespaceKind::uts)) return {};
    return fail(Kind::denied, "sysctl \"{}\" is not in a separate kernel namespace: setting it would change the host",
                name);
}

}  // namespace

// `procfs` is a mount that nobody else has seen, so nothing can have been put in a file's way (CVE-2025-52881).
Result<void> set_sysctls(FdRef procfs, const Spec& spec) {
    for (const auto& [name, value] : spec.sysctl) {
        const auto path = path_of(name);
        TRY(check(name, path, spec));
        TRY(sys::write_control_at(procfs, "sys/" + path, value), "sysctl {}", name);
    }
    return {};
}

}  // namespace diatom::runtime
