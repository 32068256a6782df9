// Further processes in a running container.
#include <fcntl.h>

#include <format>

#include "engine/engine_impl.h"
#include "engine/names.h"
#include "engine/spec_builder.h"
#include "engine/stdio_ends.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"

namespace diatom::engine {

struct EngineImpl::ExecUp {
    Container container;
    ExecConfig config;
    runtime::Spec spec;
    StdioEnds ends;
    std::unique_ptr<Launched> launched;
    Fd pidfd;
};

namespace {

Result<runtime::Spec> load_spec(const std::string& directory) {
    const auto text = TRY(sys::read_file(directory + "/spec.json"), "read the container's specification");
    return runtime::decode_spec(TRY(parse_json(text, "spec.json")));
}

}  // namespace

Result<ExecPtr> EngineImpl::find_exec(const std::string& id) const {
    const auto found = execs_.find(id);
    if (found == execs_.end()) return fail(Kind::not_found, "No such exec instance: {}", id);
    return found->second;
}

Task<std::string> EngineImpl::exec_create(std::string container, ExecConfig config) {
    auto live = CO_TRY(find(container));
    const auto status = live->record.state.status;
    if (status == Status::paused)
        co_return fail(Kind::conflict, "container {} is paused, unpause the container before exec", live->record.id);
    if (status != Status::running) co_return fail(Kind::conflict, "container {} is not running", live->record.id);
    if (config.cmd.empty()) co_return fail(Kind::invalid, "no exec command specified");
    const std::string id = random_id();
    std::string line;
    for (const auto& word : config.cmd) line += (line.empty() ? "" : " ") + word;
    execs_[id] = std::make_shared<LiveExec>(
        loop_, ExecState{.id = id, .container = live->record.id, .config = std::move(config)});
    events_.container(live->record, "exec_create: " + line, {{"execID", id}});
    co_return id;
}

Task<std::unique_ptr<Attachment>> EngineImpl::exec_start(std::string id, bool detach, bool tty) {
    auto exec = CO_TRY(find_exec(id));
    auto live = CO_TRY(find(exec->state.container));
    if (live->record.state.status != Status::running)
        co_return fail(Kind::conflict, "container {} is not running", live->record.id);
    if (exec->started) co_return fail(Kind::conflict, "exec {} has already run", id);
    (void)tty;  // what was said at its creation holds, as with Docker
    exec->started = true;
    const auto& config = exec->state.config;
    std::unique_ptr<Attachment> client;
    if (!detach) {
        client =
            exec->hub->attach({.in = config.attach_stdin, .out = config.attach_stdout, .err = config.attach_stderr});
    } else {
        exec->state.config.attach_stdin = false;
    }
    auto started = co_await shielded(exec_body(exec, live));
    // As Docker: who is attached reads why it does not run, and the exit code says the rest.
    if (!started && !client) co_return Failure(std::move(started).error());
    co_return client;
}

Result<void> EngineImpl::exec_worker(ExecUp& up) {
    const auto pid = up.container.state.process.pid;
    if (up.spec.id.empty()) up.spec = TRY(load_spec(run_directory(up.container.id)));
    const Fd root =
        TRY(sys::open_path(std::format("/proc/{}/root", pid), O_RDONLY | O_DIRECTORY), "the container's root");
    const auto process = TRY(build_exec(up.container, up.config, root));
    auto streams = TRY(make_streams(up.config.tty, up.config.attach_stdin));
    up.launched = TRY(parts_.launcher->exec(up.container.state.process, up.spec, process, streams.stdio()));
    up.ends = std::move(streams.ours);
    up.ends.terminal = up.launched->take_terminal();
    up.pidfd = up.launched->take_pidfd();
    return {};
}

Task<void> EngineImpl::exec_body(ExecPtr exec, LivePtr live) {
    ExecUp up{.container = live->record, .config = exec->state.config};
    if (live->spec) up.spec = *live->spec;
    auto launched = co_await on_pool([&] { return exec_worker(up); });
    std::shared_ptr<ProcessIo> io;
    if (launched) {
        io = std::make_shared<ProcessIo>(loop_, std::move(up.ends), exec->hub, nullptr, [] {}, [] {});
        exec->hub->begin(io);
        io->start();
        exec->process = up.launched->process();
        exec->state.pid = exec->process.pid;
        exec->state.running = true;
        launched = co_await on_pool([&] { return up.launched->start(); });
        if (!launched) std::ignore = sys::wait_exit(up.pidfd);
    }
    if (!launched) {
        const Error error = std::move(launched).error().in("OCI runtime exec failed");
        if (io) co_await io->finish(std::chrono::milliseconds(100));
        exec->state.running = false;
        exec->state.pid = 0;
        exec->state.exit_code = exit_code_of_failure(error);
        co_await exec->hub->deliver(
            {.stream = Output::Stream::out, .time = sys::wall_ns(), .bytes = error.what() + "\r\n"}, true);
        exec->hub->end();
        co_return Failure(
            Error(*exec->state.exit_code != 128 ? Kind::invalid : error.kind(), error.what(), error.error_number()));
    }
    events_.container(live->record, "exec_start: " + exec->state.config.cmd.front(), {{"execID", exec->state.id}});
    spawn(watch_exec(exec, live, std::move(up.pidfd), up.launched->process()));
    co_return Result<void>();
}

asio::awaitable<void> EngineImpl::watch_exec(ExecPtr exec, LivePtr live, Fd pidfd, sys::ProcessId process) {
    asio::posix::stream_descriptor watched(loop_, pidfd.release());
    if (!co_await await_end(watched)) co_return;
    const auto result = co_await exit_status(FdRef(watched.native_handle()), process);
    std::ignore = sys::reap(FdRef(watched.native_handle()));
    watched.close();  // what follows lasts
    if (exec->hub->io()) co_await exec->hub->io()->finish();
    exec->state.running = false;
    exec->state.exit_code = result.exit_code;
    exec->hub->end();
    events_.container(live->record, "exec_die",
                      {{"execID", exec->state.id}, {"exitCode", std::to_string(result.exit_code)}});
    if (exec->forgotten) co_return;
    // Clients ask for the exit code after the streams have ended; nobody asks for ever.
    co_await sleep_for(std::chrono::minutes(5));
    execs_.erase(exec->state.id);
}

Task<void> EngineImpl::exec_resize(std::string id, unsigned short rows, unsigned short columns) {
    auto exec = CO_TRY(find_exec(id));
    if (!exec->hub->io()) co_return fail(Kind::conflict, "cannot resize: exec {} is not running", id);
    co_return exec->hub->io()->resize(rows, columns);
}

Result<ExecState> EngineImpl::exec_inspect(const std::string& id) { return TRY(find_exec(id))->state; }

}  // namespace diatom::engine
