#include "engine/testing/fixture.h"

namespace diatom::engine {
namespace {

using Lifecycle = testing::EngineTest;
using Strings = std::vector<std::string>;

TEST_F(Lifecycle, RunsAndTellsOutputAndExitCode) {
    const auto id = create({"sh", "-c", "echo out; echo err >&2; exit 7"});
    auto client = attach(id);
    start(id);
    const auto text = read(*client);
    EXPECT_TRUE(text.contains("out\n") && text.contains("err\n")) << text;
    EXPECT_EQ(wait(id), 7);
    const auto logged = logs(id);
    EXPECT_TRUE(logged.contains("out\n") && logged.contains("err\n")) << logged;
    EXPECT_EQ(logs(id, {.err = false}), "out\n");
    const auto container = engine().inspect(id).value();
    EXPECT_EQ(container.state.status, Status::exited);
    EXPECT_EQ(container.state.exit_code, 7);
    EXPECT_GT(container.state.finished, container.state.started);
}

TEST_F(Lifecycle, GivesTheProcessItsSurroundings) {
    const auto text =
        run_to_end({"sh", "-c", "echo $PATH $FROM $HOME $EXTRA; hostname; id; pwd; cat /etc/hosts"},
                   {.hostname = "named", .user = "web", .working_dir = "/made/here", .env = {"EXTRA=yes"}});
    EXPECT_TRUE(text.contains("/bin image /home/web yes\n")) << text;
    EXPECT_TRUE(text.contains("named\n")) << text;
    EXPECT_TRUE(text.contains("uid=1000(web) gid=1001(web)")) << text;
    EXPECT_TRUE(text.contains("/made/here\n")) << text;
    EXPECT_TRUE(text.contains("127.0.0.1\tlocalhost")) << text;
}

TEST_F(Lifecycle, FeedsStdinToItsEnd) {
    const auto id = create({"cat"}, {.open_stdin = true, .stdin_once = true});
    auto client = attach(id, {.in = true});
    start(id);
    EXPECT_TRUE(run(client->write("hello\n")));
    EXPECT_TRUE(run(client->close_stdin()));
    EXPECT_EQ(read(*client), "hello\n");
    EXPECT_EQ(wait(id), 0);
}

TEST_F(Lifecycle, TakesInputBeforeTheStart) {
    const auto id = create({"cat"}, {.open_stdin = true, .stdin_once = true});
    auto client = attach(id, {.in = true});
    std::optional<Result<void>> written;
    loop([](Attachment& c, std::optional<Result<void>>& done) -> asio::awaitable<void> {
        done = co_await c.write("early\n");
        (void)co_await c.close_stdin();
    }(*client, written));
    start(id);
    EXPECT_EQ(read(*client), "early\n");
}

TEST_F(Lifecycle, GivesATerminal) {
    const auto id =
        create({"sh", "-c", "tty; stty size; read line; echo got $line"}, {.tty = true, .open_stdin = true});
    auto client = attach(id, {.in = true});
    start(id);
    EXPECT_TRUE(read(*client, "/dev/").contains("/dev/"));
    EXPECT_TRUE(run(engine().resize(id, 40, 100)));
    EXPECT_TRUE(run(client->write("word\n")));
    EXPECT_TRUE(read(*client).contains("got word"));
    EXPECT_EQ(wait(id), 0);
}

TEST_F(Lifecycle, NamesConflict) {
    create({"true"}, {}, "one");
    auto again = run(engine().create("one", {.image = "busybox"}));
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().kind(), Kind::conflict);
    EXPECT_TRUE(
        again.error().what().starts_with("Conflict. The container name \"/one\" is already in use by container \""));
    EXPECT_EQ(run(engine().start("two")).error().what(), "No such container: two");
    EXPECT_EQ(run(engine().create("", {.image = "nope"})).error().what(), "No such image: nope");
}

TEST_F(Lifecycle, FindsByNameIdAndPrefix) {
    const auto id = create({"true"}, {}, "named");
    EXPECT_EQ(engine().inspect("named")->id, id);
    EXPECT_EQ(engine().inspect("/named")->id, id);
    EXPECT_EQ(engine().inspect(id.substr(0, 8))->id, id);
}

TEST_F(Lifecycle, TellsWhyAProgramDoesNotRun) {
    const auto missing = create({"nope"});
    auto started = run(engine().start(missing));
    ASSERT_FALSE(started);
    EXPECT_TRUE(started.error().what().contains("exec: \"nope\": executable file not found in $PATH"))
        << started.error().what();
    EXPECT_EQ(started.error().kind(), Kind::invalid);
    EXPECT_EQ(engine().inspect(missing)->state.exit_code, 127);
    const auto plain = create({"/etc/plain"});
    EXPECT_TRUE(run(engine().start(plain)).error().what().contains("permission denied"));
    EXPECT_EQ(engine().inspect(plain)->state.exit_code, 126);
}

TEST_F(Lifecycle, StopsAndKills) {
    const auto id = create({"sh", "-c", "trap 'exit 5' TERM; echo ready; while true; do sleep 0.05; done"});
    auto client = attach(id);
    start(id);
    read(*client, "ready");
    EXPECT_TRUE(is_not_modified(run(engine().start(id)).error()));
    EXPECT_TRUE(run(engine().remove(id, {})).error().what().starts_with("cannot remove container"));
    EXPECT_TRUE(run(engine().stop(id, 20, "")));
    EXPECT_EQ(engine().inspect(id)->state.exit_code, 5);
    EXPECT_TRUE(is_not_modified(run(engine().stop(id, 1, "")).error()));

    const auto deaf = create({"sh", "-c", "trap '' TERM; echo ready; while true; do sleep 0.05; done"});
    auto second = attach(deaf);
    start(deaf);
    read(*second, "ready");
    EXPECT_TRUE(run(engine().stop(deaf, 0, "")));
    EXPECT_EQ(engine().inspect(deaf)->state.exit_code, 137);
    EXPECT_EQ(run(engine().kill(deaf, "")).error().kind(), Kind::conflict);
}

TEST_F(Lifecycle, IsOverWhenItWasKilled) {
    const auto id = create({"sleep", "60"});
    start(id);
    EXPECT_TRUE(run(engine().kill(id, "USR1")));
    ASSERT_TRUE(run(engine().kill(id, "")));
    EXPECT_EQ(engine().inspect(id)->state.status, Status::exited);
    EXPECT_EQ(engine().inspect(id)->state.exit_code, 137);
}

TEST_F(Lifecycle, EndsOnceForEverybodyWhoAsks) {
    const auto id = create({"sh", "-c", "trap '' TERM; echo ready; while true; do sleep 0.05; done"},
                           {.restart = RestartPolicy::always});
    auto client = attach(id);
    start(id);
    read(*client, "ready");
    std::array<std::optional<Result<void>>, 3> ended;
    for (auto& one : ended) {
        const bool stop = &one == &ended[1];
        loop([](EngineImpl& e, std::string name, bool stop, std::optional<Result<void>>& out) -> asio::awaitable<void> {
            if (stop) out = co_await e.stop(name, 0, "");
            else out = co_await e.kill(name, "KILL");
        }(engine(), id, stop, one));
    }
    run_until([&] { return std::ranges::all_of(ended, [](const auto& one) { return one.has_value(); }); });
    for (const auto& one : ended) EXPECT_TRUE(*one) << one->error().what();
    EXPECT_EQ(engine().inspect(id)->state.status, Status::exited);
    EXPECT_EQ(engine().inspect(id)->state.exit_code, 137);
    EXPECT_EQ(engine().inspect(id)->state.restart_count, 0U);
}

TEST_F(Lifecycle, RemovesWhatRunsByForce) {
    const auto id = create({"sh", "-c", "trap '' TERM; echo ready; while true; do sleep 0.05; done"},
                           {.restart = RestartPolicy::always});
    auto client = attach(id);
    start(id);
    read(*client, "ready");
    EXPECT_TRUE(run(engine().remove(id, {.force = true})));
    EXPECT_FALSE(engine().inspect(id));
}

TEST_F(Lifecycle, RemovesByForceWhatIsBeingRestarted) {
    const auto id = create({"sleep", "60"});
    start(id);
    std::optional<Result<void>> restarted;
    loop([](Engine& e, std::string name, std::optional<Result<void>>& out) -> asio::awaitable<void> {
        out = co_await e.restart(name, 0, "");
    }(engine(), id, restarted));
    const auto removed = run(engine().remove(id, {.force = true}));
    EXPECT_TRUE(removed) << removed.error().what();
    run_until([&] { return restarted.has_value(); });
    EXPECT_FALSE(engine().inspect(id));
}

TEST_F(Lifecycle, TellsNoLogOfWhatIsBeingRemoved) {
    const auto id = create({"echo", "said"});
    start(id);
    EXPECT_EQ(wait(id), 0);
    EXPECT_EQ(logs(id), "said\n");
    loop([](Engine& e, std::string name) -> asio::awaitable<void> {
        std::ignore = co_await e.remove(std::move(name), {});
    }(engine(), id));
    run_until([&] { return engine().inspect(id)->state.status == Status::removing; });
    EXPECT_EQ(run(engine().logs(id, {})).error().kind(), Kind::conflict);
    run_until([&] { return !engine().inspect(id); });
}

TEST_F(Lifecycle, WaitsAsDocker) {
    const auto id = create({"sleep", "60"}, {.auto_remove = true});
    EXPECT_EQ(wait(id), 0) << "a container that was never started is not running";
    start(id);
    std::optional<Result<WaitResult>> removed;
    bool armed = false;
    loop([](EngineImpl& e, std::string name, bool& ready,
            std::optional<Result<WaitResult>>& out) -> asio::awaitable<void> {
        out = co_await e.wait(name, WaitCondition::removed, [&] { ready = true; });
    }(engine(), id, armed, removed));
    EXPECT_TRUE(run(engine().kill(id, "TERM")).has_value());
    EXPECT_TRUE(run(engine().kill(id, "KILL")).has_value());
    run_until([&] { return removed.has_value(); });
    EXPECT_TRUE(armed);
    EXPECT_EQ((*removed)->exit_code, 137);
    EXPECT_FALSE(engine().inspect(id));
    EXPECT_FALSE(sys::exists(home() + "/root/rootfs/" + id));
    EXPECT_FALSE(sys::exists(home() + "/root/containers/" + id));
}

TEST_F(Lifecycle, RestartsByPolicy) {
    const auto id =
        create({"sh", "-c", "echo again; exit 1"}, {.restart = RestartPolicy::on_failure, .restart_max = 2});
    start(id);
    run_until([&] { return engine().inspect(id)->state.status == Status::exited; });
    EXPECT_EQ(engine().inspect(id)->state.restart_count, 2U);
    EXPECT_EQ(logs(id), "again\nagain\nagain\n");
}

TEST_F(Lifecycle, AnEngineThatIsStartedAgainCountsOn) {
    const auto failing =
        create({"sh", "-c", "echo again; exit 1"}, {.restart = RestartPolicy::on_failure, .restart_max = 2});
    start(failing);
    run_until([&] { return engine().inspect(failing)->state.status == Status::exited; });
    // Ends at once, and fails: its last try is still to come when the engine dies.
    const auto pending =
        create({"sh", "-c", "echo again; exit 1"}, {.restart = RestartPolicy::on_failure, .restart_max = 1});
    bool recorded = false;
    auto listening = engine().subscribe(
        0, [&](const Event& event) { recorded = recorded || (event.action == "die" && event.id == pending); });
    start(pending);
    run_until([&] { return recorded; });
    listening.reset();
    reopen();
    EXPECT_TRUE(run(engine().start_all()));
    run_until([&] { return engine().inspect(pending)->state.status == Status::exited; });
    EXPECT_EQ(engine().inspect(pending)->state.restart_count, 1U);
    EXPECT_EQ(logs(pending), "again\nagain\n");
    EXPECT_EQ(engine().inspect(failing)->state.restart_count, 2U);
    EXPECT_EQ(logs(failing), "again\nagain\nagain\n") << "all its tries were made before";
}

TEST_F(Lifecycle, VolumesKeepAndAreSeeded) {
    const auto first = create({"sh", "-c", "cat /data/seed; echo kept > /data/kept"},
                              {.mounts = {{.kind = MountKind::volume, .source = "vol", .target = "/data"}}});
    auto client = attach(first);
    start(first);
    EXPECT_EQ(read(*client), "seed\n");
    EXPECT_EQ(
        run_to_end({"cat", "/vol/kept"}, {.mounts = {{.kind = MountKind::volume, .source = "vol", .target = "/vol"}}}),
        "kept\n");
    EXPECT_EQ(run(engine().remove_volume("vol", false)).error().kind(), Kind::conflict);
    for (const auto& container : engine().containers())
        EXPECT_TRUE(run(engine().remove(container.id, {.force = true})));
    EXPECT_TRUE(run(engine().remove_volume("vol", false)));
    EXPECT_FALSE(sys::exists(home() + "/root/volumes/vol"));
}

TEST_F(Lifecycle, BindsAndTmpfs) {
    ASSERT_TRUE(sys::write_file(home() + "/outside", "from outside\n"));
    const auto text = run_to_end(
        {"sh", "-c", "cat /in; echo x > /in || echo refused; mount | grep ' /t '"},
        {.mounts = {{.kind = MountKind::bind, .source = home() + "/outside", .target = "/in", .read_only = true},
                    {.kind = MountKind::tmpfs, .target = "/t", .tmpfs_options = "size=64k"}}});
    EXPECT_TRUE(text.contains("from outside\n") && text.contains("refused") && text.contains("size=64k")) << text;
}

TEST_F(Lifecycle, Execs) {
    const auto id = create({"sleep", "60"}, {.env = {"A=1"}});
    start(id);
    const auto exec = run(engine().exec_create(id, {.cmd = {"sh", "-c", "echo $A $B; id -u; exit 3"},
                                                    .env = {"B=2"},
                                                    .user = "web",
                                                    .attach_stdout = true,
                                                    .attach_stderr = true}));
    ASSERT_TRUE(exec);
    auto client = run(engine().exec_start(*exec, false, false));
    ASSERT_TRUE(client) << client.error().what();
    EXPECT_EQ(read(**client), "1 2\n1000\n");
    EXPECT_EQ(engine().exec_inspect(*exec)->exit_code, 3);
    const auto bad = run(engine().exec_create(id, {.cmd = {"nope"}, .attach_stdout = true}));
    auto failed = run(engine().exec_start(*bad, false, false));
    ASSERT_TRUE(failed);
    EXPECT_TRUE(read(**failed).contains("exec: \"nope\": executable file not found in $PATH"));
    EXPECT_EQ(engine().exec_inspect(*bad)->exit_code, 127);
}

TEST_F(Lifecycle, AdoptsWhatOutlivedTheEngine) {
    const auto id = create({"sh", "-c", "echo before; read line; echo after $line; exit 9"}, {.open_stdin = true});
    auto client = attach(id);
    start(id);
    read(*client, "before");
    client.reset();
    const auto pid = engine().inspect(id)->state.process.pid;
    reopen();
    const auto container = engine().inspect(id).value();
    EXPECT_EQ(container.state.status, Status::running);
    EXPECT_EQ(container.state.process.pid, pid);
    auto again = attach(id, {.in = true});
    EXPECT_TRUE(run(again->write("x\n")));
    EXPECT_EQ(read(*again), "after x\n");
    EXPECT_EQ(wait(id), 9);
    EXPECT_EQ(logs(id), "before\nafter x\n");
}

TEST_F(Lifecycle, FindsTheExitThatNobodySaw) {
    const auto id = create({"sh", "-c", "read line; echo last words; exit 4"}, {.open_stdin = true});
    start(id);
    auto client = attach(id, {.in = true});
    close();
    client.reset();
    // The ledger of this fake knows nothing, and the process still runs: kill it here, unreaped.
    open();
    EXPECT_TRUE(run(engine().kill(id, "KILL")));
    EXPECT_EQ(wait(id), 137);
}

}  // namespace
}  // namespace diatom::engine
