#include <stdlib.h>
#include <unistd.h>

#include "base/strings.h"
#include "oci/console.h"
#include "oci/destroy.h"
#include "oci/lifecycle.h"
#include "oci/state_dir.h"
#include "runtime/hooks.h"
#include "runtime/runtime.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/socket.h"

namespace diatom::oci {
namespace {

Result<void> check_terminal(const runtime::Process& process, const CreateRequest& request) {
    const bool socket = !request.wiring.console_socket.empty();
    if (process.terminal && !socket && !request.terminal_to_caller) {
        return fail(Kind::invalid,
                    "process.terminal is set, so somebody must take the terminal: give --console-socket");
    }
    if (!process.terminal && socket) {
        return fail(Kind::invalid, "--console-socket needs process.terminal to be set in config.json");
    }
    return {};
}

// From the process that waits for launch()'s caller to one that waits at the socket.
Result<CreatedContainer> settle(const StateDir& dir, Record& record, const CreateRequest& request, FdRef console,
                                runtime::Created created) {
    const auto listener = TRY(sys::listen_unix(dir.start_socket(), sys::SocketType::packet, 0600));
    CreatedContainer container{.pidfd = Fd(), .terminal = created.take_terminal()};
    if (console) {
        TRY(hand_over_terminal(console, container.terminal));
        container.terminal.reset();
    }
    record.process = created.process();
    record.status = Status::created;
    TRY(dir.write(record));
    if (!request.wiring.pid_file.empty()) {
        TRY(sys::replace_file(request.wiring.pid_file, std::to_string(record.process.pid)), "pid file");
    }
    TRY(created.hold(listener));
    container.pidfd = created.take_pidfd();
    return container;
}

// systemd's protocol (sd_listen_fds(3)): what was passed to us goes on to the program, which is process 1 in there.
Result<unsigned> pass_listeners(runtime::Spec& spec) {
    const char* given = ::getenv("LISTEN_FDS");
    const char* meant = ::getenv("LISTEN_PID");
    if (meant != nullptr && parse_int(meant) != ::getpid()) return 0;
    const auto count = given != nullptr ? parse_uint(given) : std::nullopt;
    if (!count || *count == 0) return 0;
    if (*count > runtime::kMaxPassed)
        return fail(Kind::invalid, "LISTEN_FDS={}: at most {} can be passed on", *count, runtime::kMaxPassed);
    spec.process.env.push_back(std::format("LISTEN_FDS={}", *count));
    spec.process.env.emplace_back("LISTEN_PID=1");
    return static_cast<unsigned>(*count);
}

}  // namespace

Result<CreatedContainer> create(const Place& place, const CreateRequest& request) {
    Record record{.spec = TRY(load_bundle(request.bundle, request.id, place.cgroups)),
                  .created = sys::format_rfc3339(sys::wall_ns())};
    TRY(check_terminal(record.spec.process, request));
    const auto stdio = TRY(own_stdio(request.wiring.preserve_fds + TRY(pass_listeners(record.spec))));
    const auto console =
        request.wiring.console_socket.empty() ? Fd() : TRY(connect_console(request.wiring.console_socket));
    const auto dir = TRY(StateDir::create(place.root, request.id));
    TRY(dir.write(record));
    auto container = [&]() -> Result<CreatedContainer> {
        const bool named = !record.spec.process.args.empty();
        const auto check = named ? runtime::ProgramCheck::at_launch : runtime::ProgramCheck::at_start;
        auto created = runtime::launch(record.spec, stdio, check);
        // A launch that failed has removed its cgroup; one of that name that is left is somebody else's.
        if (!created) record.spec.cgroup.clear();
        return settle(dir, record, request, console, TRY(std::move(created)));
    }();
    if (!container) std::ignore = destroy(dir, record);
    return container;
}

Result<void> start(const Place& place, const std::string& id) {
    const auto dir = TRY(StateDir::open(place.root, id, Lock::exclusive));
    auto record = TRY(dir.read());
    const auto status = TRY(current_status(dir, record));
    if (status != Status::created) {
        return fail(Kind::conflict, "cannot start container \"{}\": it is {}, not created", id, to_string(status));
    }
    auto pidfd = TRY(sys::open_pidfd(record.process), "container");
    auto control = TRY(sys::connect_unix(dir.start_socket(), sys::SocketType::packet), "container");
    runtime::Created created(record.process, std::move(pidfd), std::move(control), Fd());
    TRY(created.start());
    record.status = Status::running;
    TRY(dir.write(record));
    TRY(sys::remove_file(dir.start_socket()));
    const Json state = runtime::state_document(record.spec, "running", record.process.pid);
    runtime::run_late_hooks("poststart", record.spec.hooks.poststart, state);
    return {};
}

}  // namespace diatom::oci
