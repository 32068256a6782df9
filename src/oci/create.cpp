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

// A container that is about to be made, in its locked directory.
struct Plan {
    Record record;
    runtime::Stdio stdio;
    Fd console;
    StateDir dir;
};

Result<Plan> plan(const Place& place, const CreateRequest& request) {
    Record record{.spec = TRY(load_bundle(request.bundle, request.id, place.cgroups)),
                  .created = sys::format_rfc3339(sys::wall_ns())};
    TRY(check_terminal(record.spec.process, request));
    auto stdio = TRY(own_stdio(request.wiring.preserve_fds + TRY(pass_listeners(record.spec))));
    auto console = request.wiring.console_socket.empty() ? Fd() : TRY(connect_console(request.wiring.console_socket));
    auto dir = TRY(StateDir::create(place.root, request.id));
    TRY(dir.write_spec(record.spec));
    TRY(dir.write(record));
    return Plan{std::move(record), std::move(stdio), std::move(console), std::move(dir)};
}

// Its first process, which waits for our word, and is known as what it will be then.
Result<runtime::Created> make(Plan& plan, const CreateRequest& request, Status status) {
    auto& record = plan.record;
    const auto check =
        record.spec.process.args.empty() ? runtime::ProgramCheck::at_start : runtime::ProgramCheck::at_launch;
    auto created = runtime::launch(record.spec, plan.stdio, check);
    // A launch that failed has removed its cgroup; one of that name that is left is somebody else's.
    if (!created) record.spec.cgroup.clear();
    if (!created) return created;
    if (plan.console) TRY(hand_over_terminal(plan.console, created->take_terminal()));
    record.process = created->process();
    record.status = status;
    TRY(plan.dir.write(record));
    if (!request.wiring.pid_file.empty()) {
        TRY(sys::replace_file(request.wiring.pid_file, std::to_string(record.process.pid)), "pid file");
    }
    return created;
}

void run_poststart_hooks(const Record& record) {
    const Json state = runtime::state_document(record.spec, "running", record.process.pid);
    runtime::run_late_hooks("poststart", record.spec.hooks.poststart, state);
}

}  // namespace

Result<void> create(const Place& place, const CreateRequest& request) {
    auto container = TRY(plan(place, request));
    auto held = [&]() -> Result<void> {
        const auto listener = TRY(sys::listen_unix(container.dir.start_socket(), sys::SocketType::packet, 0600));
        return TRY(make(container, request, Status::created)).hold(listener);
    }();
    if (!held) std::ignore = kill_and_destroy(container.dir, container.record);
    return held;
}

Result<RunContainer> run(const Place& place, const CreateRequest& request) {
    auto container = TRY(plan(place, request));
    Fd terminal;
    auto started = [&]() -> Result<Fd> {
        auto created = TRY(make(container, request, Status::running));
        terminal = created.take_terminal();
        TRY(created.start());
        run_poststart_hooks(container.record);
        return created.take_pidfd();
    }();
    if (!started) {
        std::ignore = kill_and_destroy(container.dir, container.record);
        return forward_error(std::move(started));
    }
    container.dir.unlock();
    return RunContainer{std::move(container.dir), std::move(container.record), std::move(*started),
                        std::move(terminal)};
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
    run_poststart_hooks(record);
    return {};
}

}  // namespace diatom::oci
