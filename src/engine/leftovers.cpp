#include "engine/leftovers.h"

#include "base/strings.h"
#include "engine/names.h"
#include "engine/stdio_ends.h"
#include "engine/volumes.h"
#include "sys/cgroup.h"
#include "sys/file.h"
#include "sys/log.h"

namespace diatom::engine {
namespace {

void report(const Result<void>& done, const std::string& what) {
    if (!done && done.error().kind() != Kind::not_found)
        log::warning("a leftover stays", {{"what", what}, {"error", done.error().what()}});
}

void remove_directories(const std::string& parent, const std::set<std::string>& kept) {
    for (const auto& name : sys::list_dir(parent).value_or(std::vector<std::string>())) {
        if (!kept.contains(name)) report(sys::remove_tree(parent + "/" + name), parent + "/" + name);
    }
}

// The process of a start that was cut off ends by itself, a moment later: killed, its group can be removed at once.
Result<void> remove_group(const std::string& path) {
    const auto group = TRY(sys::Cgroup::open(path));
    TRY(group.kill());
    return sys::Cgroup::remove(path);
}

// A parent that a user named (--cgroup-parent) is his.
void remove_groups(const std::string& mount, const std::string& parent, const std::set<std::string>& kept) {
    for (const auto& name : sys::list_dir(mount + "/" + parent).value_or(std::vector<std::string>())) {
        const std::string path = parent + "/" + name;
        const auto about = sys::stat_path(mount + "/" + path);
        if (!about || !S_ISDIR(about->st_mode) || kept.contains(name)) continue;
        if (is_id(name)) report(remove_group(path), path);
        else remove_groups(mount, path, kept);
    }
}

void forget_parked(const proc::Supervisor& supervisor, const std::string& scope, const std::set<std::string>& kept) {
    const auto names = supervisor.parked_names(scope);
    if (!names) return;  // no PID 1 of ours
    std::set<std::string> gone;
    for (const auto& name : *names) {
        const auto halves = cut(std::string_view(name).substr(scope.size()), '/');
        if (halves && !kept.contains(std::string(halves->first))) gone.emplace(halves->first);
    }
    for (const auto& id : gone) report(supervisor.forget(scope + id + "/"), scope + id);
}

}  // namespace

void remove_leftovers(const EngineOptions& options, const proc::Supervisor& supervisor, const Kept& kept) {
    remove_directories(options.root + "/containers", kept.containers);
    remove_directories(options.run + "/containers", kept.running);
    remove_directories(options.run + "/staged", {});
    report(settle_volumes(options.root, kept.volumes), "half-made volumes");
    forget_parked(supervisor, parked_scope(options), kept.running);
    const auto mount = sys::Cgroup::mount_point();
    if (mount && !options.cgroup.empty()) remove_groups(*mount, options.cgroup, kept.running);
}

}  // namespace diatom::engine
