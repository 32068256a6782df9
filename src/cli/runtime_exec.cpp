#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "base/strings.h"
#include "cli/runtime_command.h"
#include "oci/console.h"
#include "runtime/runtime.h"
#include "sys/file.h"

namespace diatom::cli {
namespace {

constexpr std::array<OptionSpec, 18> kOptions = {{
    {"--process", 'p', true, "a file with the process as JSON, in place of the options below"},
    {"--cwd", 0, true, "working directory"},
    {"--env", 'e', true, "NAME=VALUE; repeatable"},
    {"--tty", 't', false, "a terminal"},
    {"--user", 'u', true, "UID[:GID]"},
    {"--additional-gids", 'g', true, "one more group; repeatable"},
    {"--cap", 'c', true, "one more capability; repeatable"},
    {"--no-new-privs", 0, false, "execve gives no privileges"},
    {"--apparmor", 0, true, "AppArmor profile"},
    {"--process-label", 0, true, "refused: SELinux is not supported"},
    {"--cgroup", 0, true, "refused: the process joins the container's cgroup"},
    {"--detach", 'd', false, "do not stay until it ends"},
    {"--console-socket", 0, true, "a Unix socket that takes the terminal"},
    {"--pid-file", 0, true, "a file that gets the process's ID"},
    {"--preserve-fds", 0, true, "pass so many descriptors on, from 3 on"},
    {"--no-subreaper", 0, false, "ignored: this runtime is none"},
    {"--ignore-paused", 0, false, "in a paused container too"},
    {"--notify-socket", 0, true, "refused"},
}};
constexpr std::array<std::string_view, 3> kRefused = {"--process-label", "--cgroup", "--notify-socket"};

Result<std::uint32_t> parse_id(std::string_view text) {
    const auto number = parse_uint(text);
    if (!number || *number > 0xfffffffeU) return fail(Kind::invalid, "exec: \"{}\" is no user or group ID", text);
    return static_cast<std::uint32_t>(*number);
}

Result<void> set_user(const Arguments& arguments, runtime::User& user) {
    if (arguments.has("--user")) {
        const auto text = arguments.value("--user");
        const auto halves = cut(text, ':');
        user.uid = TRY(parse_id(halves ? halves->first : std::string_view(text)));
        user.gid = halves ? TRY(parse_id(halves->second)) : 0;
    }
    for (const auto& group : arguments.values("--additional-gids"))
        user.additional_gids.push_back(TRY(parse_id(group)));
    return {};
}

// As the container's own process, but for what the options say.
Result<runtime::Process> process_of(const Arguments& arguments, const runtime::Process& container) {
    runtime::Process process = container;
    process.args.assign(arguments.rest.begin() + 1, arguments.rest.end());
    if (process.args.empty())
        return fail(Kind::invalid, "exec: no command: give one behind the container's ID, or --process");
    process.terminal = arguments.has("--tty");
    process.cwd = arguments.value("--cwd", process.cwd);
    for (const auto& entry : arguments.values("--env")) process.env.push_back(entry);
    TRY(set_user(arguments, process.user));
    for (const auto& capability : arguments.values("--cap")) {
        auto& sets = process.capabilities;
        for (auto* set : {&sets.bounding, &sets.effective, &sets.permitted}) set->push_back(capability);
    }
    process.apparmor_profile = arguments.value("--apparmor", process.apparmor_profile);
    if (arguments.has("--no-new-privs")) process.no_new_privileges = true;
    return process;
}

Result<runtime::Process> read_process(const std::string& path) {
    const auto text =
        path == "-" ? TRY(sys::read_all(FdRef(0)), "exec: process") : TRY(sys::read_file(path), "exec: process");
    const Json document = TRY(parse_json(text, path));
    return TRY(runtime::decode_process(document, runtime::UnknownFields::ignore), "{}", path);
}

}  // namespace

Result<int> runtime_exec(const oci::Place& place, std::span<char*> args) {
    const auto arguments = TRY(runtime_arguments(args, kOptions, Words::id_and_more, Order::options_first));
    if (arguments.has("--help")) return 0;
    for (const auto name : kRefused) {
        if (arguments.has(name)) return fail(Kind::unsupported, "exec: {} is not supported: leave it out", name);
    }
    oci::ExecRequest request{.id = arguments.rest[0],
                             .process = {},
                             .wiring = TRY(wiring_of(arguments)),
                             .ignore_paused = arguments.has("--ignore-paused")};
    if (arguments.has("--process")) {
        request.process = TRY(read_process(arguments.value("--process")));
        if (arguments.has("--tty")) request.process.terminal = true;
    } else {
        const auto found = TRY(oci::inspect(place, request.id));
        request.process = TRY(process_of(arguments, found.record.spec.process));
    }
    const bool detach = arguments.has("--detach");
    request.terminal_to_caller = !detach && request.wiring.console_socket.empty();
    const auto executed = TRY(oci::exec(place, request));
    if (detach) return 0;
    return TRY(oci::attend(executed.pidfd, executed.terminal));
}

}  // namespace diatom::cli
