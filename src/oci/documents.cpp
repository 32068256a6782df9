#include "oci/documents.h"

#include <unistd.h>

#include <string>
#include <vector>

#include "config/version.h"
#include "runtime/hooks.h"
#include "runtime/mount_options.h"
#include "runtime/names.h"
#include "runtime/seccomp.h"

namespace diatom::oci {
namespace {

using runtime::NamespaceKind;

Json namespaces() {
    Json names = Json::array();
    for (const auto& [name, kind] : runtime::kNamespaceNames) names.push_back(std::string(name));
    return names;
}

Json hooks() {
    Json names = Json::array();
    for (const auto& [name, member] : runtime::kHookNames) names.push_back(name);
    return names;
}

Json linux_features() {
    const auto words = runtime::seccomp_words();
    return Json{{"namespaces", namespaces()},
                {"capabilities", runtime::all_capabilities()},
                {"cgroup", {{"v1", false}, {"v2", true}, {"systemd", false}, {"systemdUser", false}, {"rdma", true}}},
                {"seccomp",
                 {{"enabled", true},
                  {"actions", words.actions},
                  {"operators", words.operators},
                  {"archs", words.architectures},
                  {"knownFlags", words.flags},
                  {"supportedFlags", words.flags}}},
                {"apparmor", {{"enabled", true}}},
                {"selinux", {{"enabled", false}}},
                {"intelRdt", {{"enabled", false}}},
                {"mountExtensions", {{"idmap", {{"enabled", true}}}}}};
}

// An unprivileged user's: its own ids in a namespace, and without what that may not do.
void confine_to_user(runtime::Spec& spec) {
    std::erase_if(spec.namespaces, [](const auto& entry) { return entry.kind == NamespaceKind::network; });
    spec.namespaces.push_back({NamespaceKind::user});
    spec.uid_mappings = {{0, ::geteuid(), 1}};
    spec.gid_mappings = {{0, ::getegid(), 1}};
    for (auto& mount : spec.mounts) {
        if (mount.type == "sysfs") {
            mount = {.destination = "/sys",
                     .type = "none",
                     .source = "/sys",
                     .options = {"rbind", "nosuid", "noexec", "nodev", "ro"}};
        }
        std::erase_if(mount.options, [](const auto& option) { return option.starts_with("gid="); });
    }
}

}  // namespace

Json features() {
    return Json{{"ociVersionMin", "1.0.0"},  {"ociVersionMax", runtime::kOciVersion},
                {"hooks", hooks()},          {"mountOptions", runtime::mount_option_words()},
                {"linux", linux_features()}, {"annotations", {{"org.diatom.version", config::version()}}}};
}

Json config_template(For whom) {
    runtime::Spec spec = runtime::default_spec();
    spec.seccomp.reset();
    spec.devices.clear();
    spec.resources.devices = {{.allow = false, .type = 'a', .access = "rwm"}};
    spec.process.terminal = true;
    spec.process.args = {"sh"};
    spec.process.env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"};
    spec.process.no_new_privileges = true;
    const std::vector<std::string> few = {"CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"};
    spec.process.capabilities = {.bounding = few, .effective = few, .inheritable = {}, .permitted = few, .ambient = {}};
    spec.process.rlimits = {{"RLIMIT_NOFILE", 1024, 1024}};
    spec.root = {.path = "rootfs", .read_only = true};
    spec.hostname = "diatom";
    if (whom == For::user_namespace) confine_to_user(spec);
    return encode(spec);
}

}  // namespace diatom::oci
