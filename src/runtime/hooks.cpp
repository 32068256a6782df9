#include "runtime/hooks.h"

#include <sys/stat.h>

#include <limits>

#include "base/strings.h"
#include "proc/spawn.h"
#include "sys/file.h"
#include "sys/log.h"

namespace diatom::runtime {
namespace {

constexpr int kNoTimeout = std::numeric_limits<int>::max();  // 24 days
constexpr mode_t kUmask = 022;

int milliseconds(const Hook& hook) {
    if (!hook.timeout) return kNoTimeout;
    return static_cast<int>(std::min<std::uint64_t>(std::uint64_t{*hook.timeout} * 1000, kNoTimeout));
}

Result<void> run_hook(const Hook& hook, FdRef state) {
    if (!hook.path.starts_with('/')) return fail(Kind::invalid, "{}: the path of a hook must be absolute", hook.path);
    proc::SpawnRequest request{.path = hook.path, .argv = hook.args, .env = hook.env};
    if (request.argv.empty()) request.argv = {hook.path};
    request.fds.push_back({state, 0});
    const auto output = TRY(proc::run(std::move(request), milliseconds(hook)));
    if (output.status.shell_code() == 0) return {};
    const auto said = trim(output.out);
    return fail(Kind::io, "{} ended with status {}{}{}", hook.path, output.status.shell_code(),
                said.empty() ? "" : ": ", said);
}

}  // namespace

Json state_document(const Spec& spec, std::string_view status, int pid) {
    Json state{{"ociVersion", kOciVersion}, {"id", spec.id}, {"status", status}, {"bundle", spec.bundle}};
    if (pid != 0) state["pid"] = pid;
    if (!spec.annotations.empty()) state["annotations"] = spec.annotations;
    return state;
}

Result<void> run_hooks(std::string_view stage, const std::vector<Hook>& hooks, const Json& state) {
    if (hooks.empty()) return {};
    const mode_t before = ::umask(kUmask);
    const auto ran = [&]() -> Result<void> {
        for (const auto& hook : hooks) {
            const auto file = TRY(sys::memory_file("state", dump_json(state), false));
            TRY(run_hook(hook, file), "{} hook", stage);
        }
        return {};
    }();
    ::umask(before);
    return ran;
}

void run_late_hooks(std::string_view stage, const std::vector<Hook>& hooks, const Json& state) {
    for (const auto& hook : hooks) {
        if (const auto ran = run_hooks(stage, {hook}, state); !ran)
            log::warning("a hook failed", {{"container", state.value("id", "")}, {"error", ran.error().what()}});
    }
}

}  // namespace diatom::runtime
