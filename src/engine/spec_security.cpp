#include "engine/spec_security.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <cstring>

#include "base/strings.h"
#include "engine/seccomp_file.h"

namespace diatom::engine {
namespace {

Result<bool> flag_of(std::string_view option, std::string_view value) {
    if (value.empty() || value == "true") return true;
    if (value == "false") return false;
    return fail(Kind::invalid, "invalid --security-opt: \"{}\"", option);
}

}  // namespace

Result<SecurityOptions> parse_security(const std::vector<std::string>& options) {
    SecurityOptions security;
    for (const auto& option : options) {
        // The old form has a colon.
        const auto equals = option.find('='), colon = option.find(':');
        const auto at = equals != option.npos ? equals : colon;
        const auto name = std::string_view(option).substr(0, at);
        const auto value = at == option.npos ? std::string_view() : std::string_view(option).substr(at + 1);
        if (name == "no-new-privileges") security.no_new_privileges = TRY(flag_of(option, value));
        else if (name == "writable-cgroups") security.writable_cgroups = TRY(flag_of(option, value));
        else if (name == "seccomp" && value == "unconfined") security.unconfined = true;
        else if (name == "seccomp") security.seccomp = value == "builtin" ? "" : value;
        else if (option == "systempaths=unconfined") security.open_system_paths = true;
        else if (name == "apparmor") security.apparmor = value == "unconfined" ? "" : value;
        else if (name != "label") {  // without SELinux "label=disable" is so anyway
            return fail(Kind::invalid, "invalid --security-opt: \"{}\"", option);
        }
    }
    return security;
}

Result<void> apply_security(runtime::Spec& spec, const ContainerConfig& config) {
    const auto security = TRY(parse_security(config.security_opt));
    spec.process.no_new_privileges = security.no_new_privileges;
    spec.process.apparmor_profile = security.apparmor;
    if (security.unconfined) {
        spec.seccomp.reset();
    } else if (!security.seccomp.empty()) {
        const auto target = SeccompTarget::host(spec.process.capabilities.bounding);
        spec.seccomp = TRY(decode_seccomp_file(security.seccomp, target));
    }
    if (security.open_system_paths) spec.masked_paths.clear(), spec.readonly_paths.clear();
    if (config.masked_paths && !config.privileged) spec.masked_paths = *config.masked_paths;
    if (config.readonly_paths && !config.privileged) spec.readonly_paths = *config.readonly_paths;
    if (!security.writable_cgroups) return {};
    for (auto& mount : spec.mounts) {
        if (mount.type == "cgroup") std::erase(mount.options, "ro");
    }
    return {};
}

Result<void> apply_block_limits(runtime::Resources& resources, const std::vector<BlockLimit>& limits) {
    for (const auto& limit : limits) {
        struct stat status{};
        if (::stat(limit.path.c_str(), &status) < 0)
            return fail(Kind::invalid, "limit of the disk {}: {}", limit.path, std::strerror(errno));
        if (!S_ISBLK(status.st_mode)) return fail(Kind::invalid, "limit of the disk {}: it is no disk", limit.path);
        if (limit.value == 0) continue;  // none
        resources.io_limits.push_back(
            {.major = major(status.st_rdev), .minor = minor(status.st_rdev), .key = limit.key, .value = limit.value});
    }
    return {};
}

}  // namespace diatom::engine
