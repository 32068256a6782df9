// The specification as a config.json of the runtime-spec. What that has no word for stands in "diatom" objects.
#include "runtime/spec_encode.h"
#include "runtime/hooks.h"
#include "runtime/names.h"

namespace diatom::runtime {
namespace {

Json encode_user(const User& user) {
    Json object{{"uid", user.uid}, {"gid", user.gid}};
    if (!user.additional_gids.empty()) object["additionalGids"] = user.additional_gids;
    put(object, "umask", user.umask);
    return object;
}

Json encode_capabilities(const Capabilities& capabilities) {
    Json object = Json::object();
    put(object, "bounding", capabilities.bounding);
    put(object, "effective", capabilities.effective);
    put(object, "inheritable", capabilities.inheritable);
    put(object, "permitted", capabilities.permitted);
    put(object, "ambient", capabilities.ambient);
    return object;
}

Json encode_mappings(const std::vector<IdMapping>& mappings) {
    Json list = Json::array();
    for (const auto& m : mappings) list.push_back({{"containerID", m.container}, {"hostID", m.host}, {"size", m.size}});
    return list;
}

Json encode_seccomp(const Seccomp& seccomp) {
    Json object{{"defaultAction", seccomp.default_action}};
    put(object, "defaultErrnoRet", seccomp.default_errno);
    put(object, "listenerPath", seccomp.listener_path);
    put(object, "listenerMetadata", seccomp.listener_metadata);
    put(object, "architectures", seccomp.architectures);
    put(object, "flags", seccomp.flags);
    Json& rules = object["syscalls"] = Json::array();
    for (const auto& rule : seccomp.rules) {
        Json entry{{"names", rule.names}, {"action", rule.action}};
        put(entry, "errnoRet", rule.errno_value);
        for (const auto& arg : rule.args) {
            entry["args"].push_back(
                {{"index", arg.index}, {"value", arg.value}, {"valueTwo", arg.value_two}, {"op", arg.op}});
        }
        rules.push_back(std::move(entry));
    }
    return object;
}

Json encode_root(const Root& root) {
    Json object{{"path", root.path}};
    if (root.read_only) object["readonly"] = true;
    return object;
}

Json encode_mounts(const std::vector<Mount>& mounts) {
    Json list = Json::array();
    for (const auto& mount : mounts) {
        Json object{{"destination", mount.destination}};
        put(object, "type", mount.type);
        put(object, "source", mount.source);
        put(object, "options", mount.options);
        put(object, "uidMappings", encode_mappings(mount.uid_mappings));
        put(object, "gidMappings", encode_mappings(mount.gid_mappings));
        list.push_back(std::move(object));
    }
    return list;
}

Json encode_devices(const std::vector<Device>& devices) {
    Json list = Json::array();
    for (const auto& d : devices) {
        list.push_back({{"path", d.path},
                        {"type", std::string(1, d.type)},
                        {"major", d.major},
                        {"minor", d.minor},
                        {"fileMode", d.mode},
                        {"uid", d.uid},
                        {"gid", d.gid}});
    }
    return list;
}

Json encode_namespaces(const std::vector<Namespace>& namespaces) {
    Json list = Json::array();
    for (const auto& entry : namespaces) {
        Json object{{"type", std::string(name_of(kNamespaceNames, entry.kind))}};
        put(object, "path", entry.path);
        list.push_back(std::move(object));
    }
    return list;
}

Json encode_time_offsets(const std::vector<TimeOffset>& offsets) {
    Json object = Json::object();
    for (const auto& offset : offsets) {
        object[offset.clock] = {{"secs", offset.seconds}, {"nanosecs", offset.nanoseconds}};
    }
    return object;
}

Json encode_scheduler(const Scheduler& scheduler) {
    Json object{{"policy", scheduler.policy}, {"nice", scheduler.nice}, {"priority", scheduler.priority}};
    put(object, "flags", scheduler.flags);
    object["runtime"] = scheduler.runtime;
    object["deadline"] = scheduler.deadline;
    object["period"] = scheduler.period;
    return object;
}

Json encode_linux(const Spec& spec) {
    Json object = Json::object();
    put(object, "namespaces", encode_namespaces(spec.namespaces));
    put(object, "uidMappings", encode_mappings(spec.uid_mappings));
    put(object, "gidMappings", encode_mappings(spec.gid_mappings));
    put(object, "devices", encode_devices(spec.devices));
    put(object, "cgroupsPath", spec.cgroup);
    put(object, "resources", encode_resources(spec.resources));
    if (spec.seccomp) object["seccomp"] = encode_seccomp(*spec.seccomp);
    put(object, "maskedPaths", spec.masked_paths);
    put(object, "readonlyPaths", spec.readonly_paths);
    if (!spec.sysctl.empty()) object["sysctl"] = spec.sysctl;
    put(object, "rootfsPropagation", spec.rootfs_propagation);
    put(object, "timeOffsets", encode_time_offsets(spec.time_offsets));
    if (!spec.personality.empty()) object["personality"] = {{"domain", spec.personality}};
    return object;
}

Json encode_hook_list(const std::vector<Hook>& hooks) {
    Json list = Json::array();
    for (const auto& hook : hooks) {
        Json object{{"path", hook.path}};
        put(object, "args", hook.args);
        put(object, "env", hook.env);
        put(object, "timeout", hook.timeout);
        list.push_back(std::move(object));
    }
    return list;
}

Json encode_hooks(const Hooks& hooks) {
    Json object = Json::object();
    for (const auto& [name, member] : kHookNames) put(object, name, encode_hook_list(hooks.*member));
    return object;
}

// The identity and the root's making, which the runtime-spec leaves to its caller.
Json encode_ours(const Spec& spec) {
    Json object = Json::object();
    put(object, "id", spec.id);
    put(object, "bundle", spec.bundle);
    if (spec.root.source != Root::Source::directory) {
        Json& root = object["root"] = {{"source", std::string(name_of(kRootSources, spec.root.source))}};
        put(root, "lower", spec.root.lower);
        put(root, "upper", spec.root.upper);
        put(root, "work", spec.root.work);
    }
    return object;
}

}  // namespace

Json encode(const Process& process) {
    Json object{{"user", encode_user(process.user)}, {"args", process.args}, {"cwd", process.cwd}};
    if (process.terminal) object["terminal"] = true;
    if (process.rows != 0 || process.columns != 0) {
        object["consoleSize"] = {{"height", process.rows}, {"width", process.columns}};
    }
    put(object, "env", process.env);
    put(object, "capabilities", encode_capabilities(process.capabilities));
    for (const auto& limit : process.rlimits) {
        object["rlimits"].push_back({{"type", limit.type}, {"soft", limit.soft}, {"hard", limit.hard}});
    }
    if (process.no_new_privileges) object["noNewPrivileges"] = true;
    put(object, "oomScoreAdj", process.oom_score_adj);
    put(object, "apparmorProfile", process.apparmor_profile);
    if (process.io_priority) {
        object["ioPriority"] = {{"class", std::string(name_of(kIoClasses, process.io_priority->io_class))},
                                {"priority", process.io_priority->priority}};
    }
    if (process.scheduler) object["scheduler"] = encode_scheduler(*process.scheduler);
    if (process.make_cwd) object["diatom"] = {{"makeCwd", true}};
    return object;
}

Json encode(const Spec& spec) {
    Json object{{"ociVersion", kOciVersion}, {"process", encode(spec.process)}, {"root", encode_root(spec.root)}};
    put(object, "hostname", spec.hostname);
    put(object, "domainname", spec.domainname);
    put(object, "mounts", encode_mounts(spec.mounts));
    put(object, "hooks", encode_hooks(spec.hooks));
    if (!spec.annotations.empty()) object["annotations"] = spec.annotations;
    put(object, "linux", encode_linux(spec));
    put(object, "diatom", encode_ours(spec));
    return object;
}

}  // namespace diatom::runtime
