#include "oci/console.h"
#include "oci/lifecycle.h"
#include "oci/state_dir.h"
#include "runtime/runtime.h"
#include "sys/file.h"

namespace diatom::oci {

Result<Executed> exec(const Place& place, const ExecRequest& request) {
    const auto [record, status] = TRY(inspect(place, request.id));
    if (status == Status::paused && !request.ignore_paused) {
        return fail(Kind::conflict, "cannot exec in a paused container (use --ignore-paused to override)");
    }
    if (status != Status::running && status != Status::created && status != Status::paused) {
        return fail(Kind::conflict, "cannot exec in container \"{}\": it is {}", request.id, to_string(status));
    }
    const bool socket = !request.wiring.console_socket.empty();
    if (request.process.terminal && !socket && !request.terminal_to_caller) {
        return fail(Kind::invalid, "a terminal must be taken by somebody: give --console-socket");
    }
    if (!request.process.terminal && socket) return fail(Kind::invalid, "--console-socket needs --tty");
    const auto stdio = TRY(own_stdio(request.wiring.preserve_fds));
    const auto console = socket ? TRY(connect_console(request.wiring.console_socket)) : Fd();
    auto created = TRY(runtime::exec(record.process, record.spec, request.process, stdio));
    Executed executed{.process = created.process(), .pidfd = Fd(), .terminal = created.take_terminal()};
    if (console) {
        TRY(hand_over_terminal(console, executed.terminal));
        executed.terminal.reset();
    }
    if (!request.wiring.pid_file.empty()) {
        TRY(sys::replace_file(request.wiring.pid_file, std::to_string(executed.process.pid)), "pid file");
    }
    TRY(created.start());
    executed.pidfd = created.take_pidfd();
    return executed;
}

}  // namespace diatom::oci
