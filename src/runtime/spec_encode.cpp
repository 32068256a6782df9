// The specification as a config.json of the runtime-spec. What that has no word for stands in "diatom" objects.
#include "runtime/names.h"
#include "runtime/spec.h"

namespace diatom::runtime {
namespace {

void put(Json& object, const char* key, const std::string& value) {
    if (!value.empty()) object[key] = value;
}
void put(Json& object, const char* key, const std::vector<std::string>& value) {
    if (!value.empty()) object[key] = value;
}
void put(Json& object, const char* key, Json value) {
    if (!value.empty()) object[key] = std::move(value);
}
template <class T>
void put(Json& object, const char* key, const std::optional<T>& value) {
    if (value) object[key] = *value;
}

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

Json encode_device_rules(const std::vector<DeviceRule>& rules) {
    Json list = Json::array();
    for (const auto& rule : rules) {
        Json object{{"allow", rule.allow}, {"type", std::string(1, rule.type)}, {"access", rule.access}};
        if (rule.major >= 0) object["major"] = rule.major;
        if (rule.minor >= 0) object["minor"] = rule.minor;
        list.push_back(std::move(object));
    }
    return list;
}

Json encode_resources(const Resources& resources) {
    Json memory = Json::object();
    put(memory, "limit", resources.memory_max);
    put(memory, "reservation", resources.memory_low);
    Json cpu = Json::object();
    put(cpu, "quota", resources.cpu_quota_us);
    put(cpu, "period", resources.cpu_period_us);
    put(cpu, "cpus", resources.cpus);
    put(cpu, "mems", resources.mems);
    // The runtime-spec speaks of shares and of memory with swap, which convert to these with loss.
    Json ours = Json::object();
    put(ours, "memoryHigh", resources.memory_high);
    put(ours, "swapMax", resources.swap_max);
    put(ours, "cpuWeight", resources.cpu_weight);

    Json object = Json::object();
    put(object, "memory", std::move(memory));
    put(object, "cpu", std::move(cpu));
    if (resources.pids_max) object["pids"] = {{"limit", *resources.pids_max}};
    if (!resources.unified.empty()) object["unified"] = resources.unified;
    put(object, "devices", encode_device_rules(resources.devices));
    put(object, "diatom", std::move(ours));
    return object;
}

Json encode_seccomp(const Seccomp& seccomp) {
    Json object{{"defaultAction", seccomp.default_action}};
    put(object, "defaultErrnoRet", seccomp.default_errno);
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
    return object;
}

// The identity and the root's making, which the runtime-spec leaves to its caller.
Json encode_ours(const Spec& spec) {
    Json object = Json::object();
    put(object, "id", spec.id);
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
    if (process.make_cwd) object["diatom"] = {{"makeCwd", true}};
    return object;
}

Json encode(const Spec& spec) {
    Json object{{"ociVersion", "1.2.0"}, {"process", encode(spec.process)}, {"root", encode_root(spec.root)}};
    put(object, "hostname", spec.hostname);
    put(object, "domainname", spec.domainname);
    put(object, "mounts", encode_mounts(spec.mounts));
    put(object, "linux", encode_linux(spec));
    put(object, "diatom", encode_ours(spec));
    return object;
}

}  // namespace diatom::runtime
