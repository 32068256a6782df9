#include "engine/check_world.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <format>

#include "base/strings.h"
#include "engine/names.h"
#include "engine/stdio_ends.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/process.h"

namespace diatom::engine {
namespace {

constexpr const char* kRestart = "restart the engine, which removes it";
constexpr const char* kLook = "nothing uses it: remove it once you have looked at what it holds";

// Of a directory that need not be there.
std::vector<std::string> names_in(const std::string& directory) {
    return sys::list_dir(directory).value_or(std::vector<std::string>());
}

bool is_directory(const std::string& path) {
    const auto about = sys::stat_path(path);
    return about && S_ISDIR(about->st_mode);
}

std::set<std::string> running_ids(const CheckedState& state) {
    std::set<std::string> ids = state.busy;
    for (const auto& container : state.running) ids.insert(container.id);
    return ids;
}

void report_unknown(const std::string& directory, const std::set<std::string>& known, const char* what,
                    const char* advice, Findings& findings) {
    for (const auto& name : names_in(directory)) {
        if (!known.contains(name)) findings.push_back({what, directory + "/" + name, advice});
    }
}

// Groups below `path` that are no container's. A parent that a user named (--cgroup-parent) is his.
void check_groups_below(const std::string& mount, const std::string& path, const std::set<std::string>& known,
                        Findings& findings) {
    for (const auto& name : names_in(mount + "/" + path)) {
        const std::string below = path + "/" + name;
        if (!is_directory(mount + "/" + below) || known.contains(below)) continue;
        if (!is_id(name)) {
            check_groups_below(mount, below, known, findings);
        } else {
            findings.push_back({"a control group that belongs to no running container", below, kRestart});
        }
    }
}

struct Process {
    char state = 0;
    std::int64_t parent = 0;
};
// Fields 3 and 4 of /proc/PID/stat (proc(5)).
Process read_process(std::string_view pid) {
    const auto text = sys::read_file(std::format("/proc/{}/stat", pid)).value_or("");
    const auto end = text.rfind(") ");
    const auto words = split_words(std::string_view(text).substr(end == std::string::npos ? text.size() : end + 1));
    if (words.size() < 2) return {};
    return {words[0].front(), parse_int(words[1]).value_or(0)};
}

}  // namespace

void check_directories(const CheckedState& state, Findings& findings) {
    const auto& root = state.options.root;
    const auto& run = state.options.run;
    const auto running = running_ids(state);
    report_unknown(root + "/containers", state.containers, "a directory that belongs to no container", kRestart,
                   findings);
    report_unknown(root + "/volumes", state.volumes, "a volume directory that no record mentions", kLook, findings);
    report_unknown(run + "/containers", running, "files of a run that is over", kRestart, findings);
    report_unknown(run + "/staged", state.busy, "mount points of a start that is over", kRestart, findings);
    for (const auto& name : state.volumes) {
        const auto directory = root + "/volumes/" + name + "/_data";
        if (is_directory(directory)) continue;
        findings.push_back({"the directory of a volume is missing", directory, "remove the volume"});
    }
    for (const auto& container : state.running) {
        const auto directory = run + "/containers/" + container.id;
        if (state.busy.contains(container.id) || sys::exists(directory + "/spec.json")) continue;
        findings.push_back({"the files of a running container are missing", directory, "restart the container"});
    }
}

void check_mounts(const CheckedState& state, const std::string& process, Findings& findings) {
    const auto mounts = sys::list_mounts(process);
    if (!mounts) return;
    for (const auto& mount : *mounts) {
        const auto& target = mount.target;
        const bool ours = target.starts_with(state.options.root + "/") || target.starts_with(state.options.run + "/");
        const bool in_change = std::ranges::any_of(state.busy, [&](const auto& id) { return target.contains(id); });
        if (!ours || in_change || state.volume_mounts.contains(target)) continue;
        findings.push_back({std::format("a mount ({}) that belongs to no running container", mount.type), target,
                            process == "self" ? "umount it, in the mount namespace of the engine" : "umount it"});
    }
    if (process != "self") return;
    for (const auto& target : state.volume_mounts) {
        if (std::ranges::contains(*mounts, target, &sys::MountPoint::target)) continue;
        findings.push_back({"a volume that a running container uses is not mounted", target, "restart the container"});
    }
}

void check_cgroups(const CheckedState& state, const std::string& mount, Findings& findings) {
    std::set<std::string> known;
    for (const auto& [id, path] : state.cgroups) {
        known.insert(path);
        if (state.busy.contains(id) || is_directory(mount + "/" + path)) continue;
        findings.push_back({"the control group of a running container is missing", path, "restart the container"});
    }
    check_groups_below(mount, state.options.cgroup, known, findings);
}

void check_processes(const CheckedState& state, Findings& findings) {
    for (const auto& container : state.running) {
        if (state.busy.contains(container.id) || sys::open_pidfd(container.state.process)) continue;
        findings.push_back({"a container is recorded as running, and its process is gone",
                            std::format("{} (pid {})", container.id, container.state.process.pid),
                            "restart the engine, which notices"});
    }
    for (const auto& name : names_in("/proc")) {
        if (!parse_int(name)) continue;
        const auto process = read_process(name);
        if (process.state != 'Z' || process.parent != ::getpid()) continue;
        findings.push_back({"a process has ended and the engine does not take note", "pid " + name,
                            "restart the engine, so that PID 1 does"});
    }
}

void check_descriptors(const CheckedState& state, Findings& findings) {
    std::size_t pidfds = 0;
    for (const auto& name : names_in("/proc/self/fd")) {
        const auto target = sys::read_link("/proc/self/fd/" + name).value_or("");
        if (target == "anon_inode:[pidfd]" || target.starts_with("pidfd:")) ++pidfds;
        for (const char* place : {"/containers/", "/rootfs/"}) {
            const auto directory = state.options.root + place;
            if (!target.starts_with(directory)) continue;
            const auto rest = std::string_view(target).substr(directory.size());
            const std::string id(rest.substr(0, 64));
            if (!is_id(id) || state.containers.contains(id)) continue;
            findings.push_back({"an open file of a container that is gone", target, "restart the engine"});
        }
    }
    if (pidfds > state.processes + state.busy.size()) {
        findings.push_back({std::format("{} pidfds are open for {} processes", pidfds, state.processes),
                            std::format("the engine, pid {}", ::getpid()), "restart the engine"});
    }
}

Result<void> check_parked(const CheckedState& state, const proc::Supervisor& supervisor, Findings& findings) {
    const auto scope = parked_scope(state.options);
    const auto running = running_ids(state);
    std::set<std::string> with_output;
    for (const auto& name : TRY(supervisor.parked_names(scope))) {
        const auto halves = cut(std::string_view(name).substr(scope.size()), '/').value_or(Halves{name, ""});
        const std::string id(halves.first);
        if (halves.second == "stdout" || halves.second == "terminal") with_output.insert(id);
        if (running.contains(id)) continue;
        findings.push_back(
            {"PID 1 keeps a descriptor of a container that does not run", name, "restart the engine, which drops it"});
    }
    for (const auto& container : state.running) {
        if (state.busy.contains(container.id)) continue;
        if (!with_output.contains(container.id)) {
            findings.push_back({"PID 1 does not keep the output of a running container", container.id,
                                "restart the container, or its output ends with the engine"});
        }
        if (const auto exit = TRY(supervisor.exit_of(container.state.process))) {
            findings.push_back({std::format("PID 1 saw the end of a container that is recorded as running (code {})",
                                            exit->shell_code()),
                                container.id, "restart the engine, which asks PID 1"});
        }
    }
    return {};
}

}  // namespace diatom::engine
