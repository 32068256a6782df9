#include <unistd.h>

#include <array>

#include "base/strings.h"
#include "cli/runtime_command.h"
#include "oci/console.h"
#include "runtime/runtime.h"
#include "sys/process.h"

namespace diatom::cli {
namespace {

constexpr OptionSpec kBundle{"--bundle", 'b', true, "the directory of config.json (default: the present one)"};
constexpr OptionSpec kConsole{"--console-socket", 0, true, "a Unix socket that takes the terminal"};
constexpr OptionSpec kPidFile{"--pid-file", 0, true, "a file that gets the process's ID"};
constexpr OptionSpec kPreserve{"--preserve-fds", 0, true, "pass so many descriptors on, from 3 on"};
constexpr OptionSpec kNoPivot{"--no-pivot", 0, false, "refused: the root is always changed by pivot_root"};
constexpr OptionSpec kNoKeyring{"--no-new-keyring", 0, false,
                                "refused: every container has a session keyring of its own"};
constexpr OptionSpec kDetach{"--detach", 'd', false, "do not stay until it ends"};
constexpr OptionSpec kNoSubreaper{"--no-subreaper", 0, false, "ignored: this runtime is none"};
constexpr OptionSpec kKeep{"--keep", 0, false, "do not delete the container after it ended"};
constexpr OptionSpec kForce{"--force", 'f', false, "kill it first; none is no error"};
constexpr OptionSpec kAll{"--all", 'a', false, "all processes of its cgroup"};
constexpr OptionSpec kSignal{"--signal", 's', true, "the signal"};

constexpr std::array kCreateOptions{kBundle, kConsole, kPidFile, kPreserve, kNoPivot, kNoKeyring};
constexpr std::array kRunOptions{kBundle,    kConsole, kPidFile,     kPreserve, kNoPivot,
                                 kNoKeyring, kDetach,  kNoSubreaper, kKeep};

Result<oci::CreateRequest> create_request(const Arguments& arguments) {
    for (const auto* refused : {&kNoPivot, &kNoKeyring}) {
        if (arguments.has(refused->name)) return fail(Kind::unsupported, "{} is {}", refused->name, refused->help);
    }
    return oci::CreateRequest{
        .id = arguments.rest[0], .bundle = arguments.value("--bundle", "."), .wiring = TRY(wiring_of(arguments))};
}

}  // namespace

Result<int> runtime_create(const oci::Place& place, std::span<char*> args) {
    const auto arguments = TRY(runtime_arguments(args, kCreateOptions, Words::id));
    if (arguments.has("--help")) return 0;
    TRY(oci::create(place, TRY(create_request(arguments))));
    return 0;
}

Result<int> runtime_start(const oci::Place& place, std::span<char*> args) {
    const auto arguments = TRY(runtime_arguments(args, {}, Words::id));
    if (arguments.has("--help")) return 0;
    TRY(oci::start(place, arguments.rest[0]));
    return 0;
}

Result<int> runtime_run(const oci::Place& place, std::span<char*> args) {
    const auto arguments = TRY(runtime_arguments(args, kRunOptions, Words::id));
    if (arguments.has("--help")) return 0;
    auto request = TRY(create_request(arguments));
    const bool detach = arguments.has("--detach");
    request.terminal_to_caller = !detach && request.wiring.console_socket.empty();
    const auto container = TRY(oci::run(place, request));
    if (detach) return 0;
    const auto ended = oci::attend(container.pidfd, container.terminal);
    if (!ended || !arguments.has("--keep")) TRY(oci::remove(container));
    return ended;
}

Result<int> runtime_state(const oci::Place& place, std::span<char*> args) {
    const auto arguments = TRY(runtime_arguments(args, {}, Words::id));
    if (arguments.has("--help")) return 0;
    const auto [record, status] = TRY(oci::inspect(place, arguments.rest[0]));
    TRY(print_json(oci::state_of(record, status)));
    return 0;
}

Result<int> runtime_kill(const oci::Place& place, std::span<char*> args) {
    const auto arguments = TRY(runtime_arguments(args, std::array{kAll, kSignal}, Words::id_and_more));
    if (arguments.has("--help")) return 0;
    if (arguments.rest.size() > 2)
        return fail(Kind::invalid, "kill: \"{}\" is one argument too many", arguments.rest[2]);
    const auto name = arguments.rest.size() == 2 ? arguments.rest[1] : arguments.value("--signal", "SIGTERM");
    const auto signal = sys::parse_signal(name);
    if (!signal) return fail(Kind::invalid, "kill: no such signal: \"{}\"", name);
    TRY(oci::kill(place, arguments.rest[0], *signal,
                  arguments.has("--all") ? oci::KillScope::all : oci::KillScope::init));
    return 0;
}

Result<int> runtime_delete(const oci::Place& place, std::span<char*> args) {
    const auto arguments = TRY(runtime_arguments(args, std::array{kForce}, Words::id));
    if (arguments.has("--help")) return 0;
    TRY(oci::remove(place, arguments.rest[0], arguments.has("--force") ? oci::Removal::forced : oci::Removal::stopped));
    return 0;
}

Result<int> runtime_pause(const oci::Place& place, std::span<char*> args) {
    const auto arguments = TRY(runtime_arguments(args, {}, Words::id));
    if (!arguments.has("--help")) TRY(oci::pause(place, arguments.rest[0]));
    return 0;
}

Result<int> runtime_resume(const oci::Place& place, std::span<char*> args) {
    const auto arguments = TRY(runtime_arguments(args, {}, Words::id));
    if (!arguments.has("--help")) TRY(oci::resume(place, arguments.rest[0]));
    return 0;
}

}  // namespace diatom::cli
