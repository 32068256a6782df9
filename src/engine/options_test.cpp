// What containers are made of by options of `docker run`, on real containers.
#include "engine/seccomp_file.h"
#include "engine/spec_security.h"
#include "engine/testing/fixture.h"
#include "sys/mount.h"

namespace diatom::engine {
namespace {

using Strings = std::vector<std::string>;
using Options = testing::EngineTest;

TEST_F(Options, InitForwardsSignalsAndKeepsTheExitCode) {
    EXPECT_EQ(run_to_end({"sh", "-c", "cat /proc/1/comm"}, {.init = true}), "docker-init\n");
    const auto id =
        create({"sh", "-c", "trap 'echo told; exit 5' TERM; echo up; while :; do sleep 0.05; done"}, {.init = true});
    auto client = attach(id);
    start(id);
    EXPECT_EQ(read(*client, "up\n"), "up\n");
    EXPECT_TRUE(run(engine().kill(id, "TERM")));
    EXPECT_EQ(read(*client), "told\n");
    EXPECT_EQ(wait(id), 5);
}

TEST_F(Options, InitReapsWhatNobodyWaitsFor) {
    // The orphan of an orphan: its parent ends at once, PID 1 inherits it.
    const auto text =
        run_to_end({"sh", "-c", "(sleep 0.1 & ) ; sleep 0.5; grep -l 'State:.Z' /proc/[0-9]*/status; echo looked"},
                   {.init = true});
    EXPECT_EQ(text, "looked\n");
}

TEST_F(Options, InitTellsOfAProgramThatIsNotThere) {
    const auto id = create({"nonesuch"}, {.init = true});
    start(id);
    EXPECT_EQ(wait(id), 127);
}

TEST_F(Options, TakesTheMountsOfOthers) {
    const auto donor = create({"sh", "-c", "echo kept > /data/new"},
                              {.mounts = {{.kind = MountKind::volume, .source = "shared", .target = "/data"}}});
    start(donor);
    EXPECT_EQ(wait(donor), 0);
    EXPECT_EQ(run_to_end({"cat", "/data/new"}, {.volumes_from = {donor}}), "kept\n");
    const auto text = run_to_end({"touch", "/data/more"}, {.volumes_from = {donor + ":ro"}});
    EXPECT_TRUE(text.contains("Read-only file system")) << text;
    const auto missing = run(engine().create("", {.image = "busybox", .volumes_from = {"nobody"}}));
    ASSERT_FALSE(missing);
    EXPECT_TRUE(missing.error().what().contains("No such container: nobody")) << missing.error().what();
    EXPECT_FALSE(run(engine().create("", {.image = "busybox", .volumes_from = {donor + ":sideways"}})));
}

TEST_F(Options, MountsAPartOfAVolumeAndNoMore) {
    ASSERT_EQ(run_to_end({"sh", "-c", "echo inner > /v/file; ln -s / /v/out; echo made"},
                         {.mounts = {{.kind = MountKind::volume, .source = "parts", .target = "/v"}}}),
              "made\n");
    const auto part = [](const char* subpath) {
        return ContainerConfig{
            .mounts = {{.kind = MountKind::volume, .source = "parts", .target = "/part", .subpath = subpath}}};
    };
    EXPECT_EQ(run_to_end({"cat", "/part"}, part("file")), "inner\n");
    // A link leads to the volume's own root, not to the machine's.
    EXPECT_EQ(run_to_end({"cat", "/part/file"}, part("out")), "inner\n");
    auto config = part("nonesuch");
    config.image = "busybox";
    ASSERT_TRUE(run(engine().create("lost", std::move(config))));
    const auto started = run(engine().start("lost"));
    ASSERT_FALSE(started);
    EXPECT_TRUE(started.error().what().contains("nonesuch")) << started.error().what();
}

TEST_F(Options, MountsAnImage) {
    const auto text = run_to_end({"sh", "-c", "cat /image/data/seed; echo own > /image/data/own; cat /image/data/own"},
                                 {.mounts = {{.kind = MountKind::image, .source = "busybox", .target = "/image"}}});
    EXPECT_EQ(text, "seed\nown\n");
    const auto part = run_to_end({"sh", "-c", "cat /image/seed; touch /image/x"}, {.mounts = {{.kind = MountKind::image,
                                                                                               .source = "busybox",
                                                                                               .target = "/image",
                                                                                               .read_only = true,
                                                                                               .subpath = "data"}}});
    EXPECT_TRUE(part.contains("seed\n") && part.contains("Read-only file system")) << part;
    EXPECT_FALSE(run(engine().create(
        "", {.image = "busybox", .mounts = {{.kind = MountKind::image, .source = "nonesuch", .target = "/i"}}})));
}

TEST_F(Options, SharesMemoryWithWhoJoinsItsIpcNamespace) {
    const auto owner = create({"sh", "-c", "echo shared > /dev/shm/file; sleep 1000"},
                              {.ipc_mode = "shareable", .shm_size = 1U << 20U}, "owner");
    start(owner);
    const std::string seen = "until cat /dev/shm/file 2>&1; do sleep 0.05; done; echo back > /dev/shm/other";
    EXPECT_EQ(run_to_end({"sh", "-c", seen}, {.ipc_mode = "container:owner"}), "shared\n");
    reopen();  // the next engine finds it where it is
    const ContainerConfig joins{.ipc_mode = "container:owner"};
    const auto text =
        run_to_end({"sh", "-c", "cat /dev/shm/other; grep -c /dev/shm /proc/mounts; grep shm /proc/mounts"}, joins);
    EXPECT_TRUE(text.starts_with("back\n1\n") && text.contains("size=1024k")) << text;
    // Who has joined may be joined, and his own mount goes before the owner's.
    const auto second = create({"sleep", "1000"}, joins, "second");
    start(second);
    EXPECT_EQ(run_to_end({"cat", "/dev/shm/other"}, {.ipc_mode = "container:second"}), "back\n");
    const MountPoint own{.kind = MountKind::tmpfs, .target = "/dev/shm"};
    EXPECT_EQ(run_to_end({"ls", "/dev/shm"}, {.mounts = {own}, .ipc_mode = "container:owner"}), "");
    EXPECT_FALSE(sys::exists(home() + "/run/staged/" + second)) << "nothing stays mounted";
}

TEST_F(Options, RefusesToJoinAnIpcNamespaceThatIsNotShared) {
    const MountPoint own{.kind = MountKind::tmpfs, .target = "/dev/shm"};
    const ContainerConfig owners[] = {
        {.ipc_mode = ""}, {.ipc_mode = "private"}, {.ipc_mode = "none"}, {.mounts = {own}, .ipc_mode = "shareable"}};
    for (const auto& config : owners) {
        const auto owner = create({"sleep", "1000"}, config);
        start(owner);
        const auto started = run(engine().start(create({"true"}, {.ipc_mode = "container:" + owner})));
        ASSERT_FALSE(started) << config.ipc_mode;
        EXPECT_EQ(started.error().kind(), Kind::conflict);
        EXPECT_TRUE(started.error().what().contains(owner + ": non-shareable IPC")) << started.error().what();
    }
}

TEST_F(Options, MountsVolumesByTheirOptions) {
    const std::string there = home() + "/there";
    ASSERT_TRUE(sys::make_dirs(there));
    ASSERT_TRUE(sys::write_file(there + "/file", "of the host\n"));
    ASSERT_TRUE(run(engine().create_volume("bound", {}, {{"type", "none"}, {"o", "bind"}, {"device", there}})));
    const ContainerConfig bound{.mounts = {{.kind = MountKind::volume, .source = "bound", .target = "/b"}}};
    EXPECT_EQ(run_to_end({"cat", "/b/file"}, bound), "of the host\n");
    ASSERT_TRUE(run(engine().create_volume("fast", {}, {{"type", "tmpfs"}, {"device", "tmpfs"}, {"o", "size=1m"}})));
    const ContainerConfig fast{.mounts = {{.kind = MountKind::volume, .source = "fast", .target = "/f"}}};
    const auto text = run_to_end({"grep", " /f ", "/proc/mounts"}, fast);
    EXPECT_TRUE(text.starts_with("tmpfs /f tmpfs") && text.contains("size=1024k")) << text;
    for (const auto& container : engine().containers())
        ASSERT_TRUE(run(engine().remove(container.id, {.force = true})));
    ASSERT_TRUE(run(engine().remove_volume("bound", false)));
    EXPECT_TRUE(sys::exists(there + "/file"));
    EXPECT_FALSE(run(engine().create_volume("x", {}, {{"colour", "red"}})));
    EXPECT_FALSE(run(engine().create_volume("x", {}, {{"type", "tmpfs"}})));
    EXPECT_FALSE(run(engine().create_volume("x", {}, {{"type", "nonesuchfs"}, {"device", "x"}})));
}

TEST_F(Options, ReadOnlyReachesWhatIsMountedBelow) {
    const std::string tree = home() + "/tree";
    ASSERT_TRUE(sys::make_dirs(tree + "/below"));
    ASSERT_TRUE(sys::mount_fs("tmpfs", tree + "/below"));
    const MountPoint plain{.kind = MountKind::bind, .source = tree, .target = "/t", .read_only = true};
    auto open = plain, alone = plain;
    open.writable_below = true;
    alone.top_only = true;
    EXPECT_TRUE(run_to_end({"touch", "/t/below/x"}, {.mounts = {plain}}).contains("Read-only"));
    EXPECT_EQ(run_to_end({"touch", "/t/below/x"}, {.mounts = {open}}), "");
    EXPECT_EQ(run_to_end({"ls", "/t/below"}, {.mounts = {open}}), "x\n");
    EXPECT_EQ(run_to_end({"ls", "/t/below"}, {.mounts = {alone}}), "");
    EXPECT_TRUE(sys::unmount(tree + "/below"));
}

TEST_F(Options, ObeysASeccompProfile) {
    const char* const profile = R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[
        {"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":28}]})";
    const auto text =
        run_to_end({"sh", "-c", "busybox mkdir /tmp/x"}, {.security_opt = {std::string("seccomp=") + profile}});
    EXPECT_TRUE(text.contains("No space left on device")) << text;
    for (const char* wrong : {"seccomp={", "seccomp={}", "nonsense", "no-new-privileges=maybe"})
        EXPECT_FALSE(run(engine().create("", {.image = "busybox", .security_opt = {wrong}}))) << wrong;
}

TEST_F(Options, NoNewPrivilegesHoldsForExecsToo) {
    const auto id = create({"sleep", "100"}, {.security_opt = {"no-new-privileges"}});
    start(id);
    const auto exec =
        run(engine().exec_create(id, {.cmd = {"grep", "NoNewPrivs", "/proc/self/status"}, .attach_stdout = true}));
    ASSERT_TRUE(exec);
    auto client = run(engine().exec_start(*exec, false, false));
    ASSERT_TRUE(client);
    EXPECT_EQ(read(**client), "NoNewPrivs:\t1\n");
}

TEST(SeccompFile, ChoosesByMachineAndCapabilities) {
    const SeccompTarget target{.architecture = "amd64", .kernel = "6.12.48", .capabilities = {"CAP_SYS_TIME"}};
    const auto names = [&](const char* rule) {
        const auto decoded =
            decode_seccomp_file(std::string(R"({"defaultAction":"SCMP_ACT_ERRNO","syscalls":[)") + rule + "]}", target);
        EXPECT_TRUE(decoded) << rule;
        return decoded && !decoded->rules.empty();
    };
    EXPECT_TRUE(names(R"({"names":["a"],"action":"SCMP_ACT_ALLOW"})"));
    EXPECT_TRUE(
        names(R"({"name":"a","action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_SYS_TIME"],"arches":["amd64"]}})"));
    EXPECT_FALSE(names(R"({"names":["a"],"action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_BPF"]}})"));
    EXPECT_FALSE(names(R"({"names":["a"],"action":"SCMP_ACT_ALLOW","includes":{"arches":["arm64"]}})"));
    EXPECT_FALSE(names(R"({"names":["a"],"action":"SCMP_ACT_ALLOW","excludes":{"caps":["CAP_SYS_TIME"]}})"));
    EXPECT_TRUE(names(R"({"names":["a"],"action":"SCMP_ACT_ALLOW","includes":{"minKernel":"4.8"}})"));
    EXPECT_FALSE(names(R"({"names":["a"],"action":"SCMP_ACT_ALLOW","includes":{"minKernel":"6.13"}})"));
    EXPECT_FALSE(
        decode_seccomp_file(R"({"defaultAction":"SCMP_ACT_ALLOW","architectures":["X"],"archMap":[{}]})", target));
    EXPECT_FALSE(
        decode_seccomp_file(R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"name":"a","names":["b"]}]})", target));
}

TEST(BlockLimits, AreOfDisks) {
    runtime::Resources resources;
    const auto no_disk = apply_block_limits(resources, {{.path = "/dev/null", .key = "rbps", .value = 1}});
    ASSERT_FALSE(no_disk);
    EXPECT_TRUE(no_disk.error().what().contains("no disk"));
}

}  // namespace
}  // namespace diatom::engine
