#include "runtime/spec.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/device_filter.h"
#include "runtime/mount_options.h"
#include "runtime/runtime.h"
#include "runtime/seccomp.h"
#include "sys/file.h"

namespace diatom::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string error_of(const char* text) {
    const auto decoded = decode_spec(parse_json(text, "test").value());
    return decoded ? "" : decoded.error().what();
}

TEST(Spec, ComesBackAsItWent) {
    Spec spec = default_spec();
    spec.id = "abc";
    spec.process.args = {"a", "b"};
    spec.process.rlimits = {{"RLIMIT_NOFILE", 1024, UINT64_MAX}};
    spec.process.user = {.uid = 1, .gid = 2, .additional_gids = {3}, .umask = 022};
    spec.process.rows = 24;
    spec.process.make_cwd = true;
    spec.process.oom_score_adj = -5;
    spec.root = {
        .source = Root::Source::overlay, .path = "/m", .lower = {"/l"}, .upper = "/u", .work = "/w", .read_only = true};
    spec.uid_mappings = {{0, 1000, 5}};
    spec.cgroup = "a/b";
    spec.resources.memory_max = 1 << 20U;
    spec.resources.swap_max = 0;
    spec.resources.cpu_weight = 79;
    spec.resources.cpu_quota_us = 50000;
    spec.resources.unified = {{"io.max", "x"}};
    spec.sysctl = {{"net.ipv4.ip_forward", "1"}};
    spec.bundle = "/bundle";
    spec.annotations = {{"a", "b"}};
    spec.hooks.create_container = {{.path = "/x", .args = {"x"}, .env = {"A=b"}, .timeout = 7}};
    spec.process.io_priority = {.io_class = 2, .priority = 3};
    spec.process.scheduler = Scheduler{.policy = "SCHED_BATCH", .nice = 5, .flags = {"SCHED_FLAG_RESET_ON_FORK"}};
    spec.process.apparmor_profile = "profile";
    spec.mounts.push_back({"/m", "bind", "/s", {"bind", "idmap"}, {{0, 5, 1}}, {{0, 6, 1}}});
    spec.resources.cpu_burst_us = 1000;
    spec.resources.cpu_idle = 1;
    spec.resources.io_weight = 300;
    spec.resources.io_limits = {{8, 0, "weight", 200}, {8, 0, "rbps", 1 << 20U}, {8, 16, "wiops", 10}};
    spec.resources.hugepages = {{"2MB", 4U << 20U}};
    spec.resources.rdma = {{"mlx5_0", 2, std::nullopt}};
    spec.time_offsets = {{"boottime", -5, 7}};
    spec.personality = "LINUX32";
    spec.seccomp->listener_path = "/run/listener";
    spec.seccomp->listener_metadata = "metadata";
    const Json encoded = encode(spec);
    const auto decoded = decode_spec(encoded);
    ASSERT_TRUE(decoded) << decoded.error().what();
    EXPECT_EQ(encode(*decoded), encoded);
    EXPECT_EQ(decoded->seccomp, spec.seccomp);
    EXPECT_EQ(decoded->process.rlimits[0].hard, UINT64_MAX);
    EXPECT_EQ(decoded->resources.swap_max, 0);
    EXPECT_EQ(decoded->root.source, Root::Source::overlay);
}

TEST(Spec, RefusesUnknownFieldsByName) {
    EXPECT_THAT(error_of(R"({"ociVersion":"1.0.2","hostnam":"x"})"),
                HasSubstr("hostnam: unknown field (did you mean \"hostname\"?)"));
    EXPECT_THAT(error_of(R"({"ociVersion":"1.0.2","process":{"user":{"uuid":1}}})"),
                HasSubstr("process.user.uuid: unknown field"));
    EXPECT_THAT(error_of(R"({"ociVersion":"1.0.2","linux":{"namespaces":[{"type":"pidd"}]}})"),
                HasSubstr("no such namespace: \"pidd\""));
}

TEST(Spec, IgnoresUnknownFieldsWhereItMust) {
    const auto document = parse_json(
        R"({"ociVersion":"1.0.2","x":1,"process":{"user":{"uuid":1},"selinuxLabel":""},"mounts":[{"destination":"/a","y":2}]})",
        "test");
    EXPECT_TRUE(decode_spec(*document, UnknownFields::ignore));
    const auto honoured = parse_json(R"({"ociVersion":"1.0.2","linux":{"mountLabel":"x"}})", "test");
    EXPECT_THAT(decode_spec(*honoured, UnknownFields::ignore).error().what(),
                HasSubstr("linux.mountLabel is not supported"));
}

TEST(Spec, RefusesWhatItDoesNotHonour) {
    EXPECT_THAT(error_of(R"({"ociVersion":"1.0.2","process":{"selinuxLabel":"x"}})"),
                HasSubstr("process.selinuxLabel is not supported"));
    EXPECT_EQ(error_of(R"({"ociVersion":"1.0.2","hooks":{"prestart":[]},"process":{"selinuxLabel":""}})"), "");
    EXPECT_THAT(error_of(R"({"ociVersion":"1.0.2","mounts":[{"destination":"/x","uidMappings":[{"containerID":1}]}]})"),
                HasSubstr("mounts[0]: uidMappings and gidMappings must be given together"));
    EXPECT_THAT(error_of(R"({"ociVersion":"2.0"})"), HasSubstr("ociVersion"));
}

TEST(Spec, RefusesWrongTypesAndRanges) {
    EXPECT_THAT(error_of(R"({"ociVersion":"1.0.2","process":{"user":{"uid":-1}}})"),
                HasSubstr("process.user.uid must not be negative"));
    EXPECT_THAT(error_of(R"({"ociVersion":"1.0.2","process":{"user":{"uid":4294967296}}})"),
                HasSubstr("process.user.uid must be at most"));
    EXPECT_THAT(error_of(R"({"ociVersion":"1.0.2","process":{"args":["a\u0000b"]}})"),
                HasSubstr("process.args contains a zero byte"));
    EXPECT_THAT(error_of(R"({"ociVersion":"1.0.2","mounts":{}})"), HasSubstr("mounts must be a list"));
    EXPECT_THAT(error_of("[]"), HasSubstr("must be an object"));
}

TEST(Spec, ConvertsResourcesOfVersionOne) {
    const auto spec = decode_spec(parse_json(R"({"ociVersion":"1.0.2","linux":{"cgroupsPath":"/pod/c","resources":{
        "memory":{"limit":100,"swap":150},"cpu":{"shares":1024,"quota":-1}}}})",
                                             "test")
                                      .value());
    ASSERT_TRUE(spec) << spec.error().what();
    EXPECT_EQ(spec->cgroup, "pod/c");
    EXPECT_EQ(spec->resources.swap_max, 50);
    EXPECT_EQ(spec->resources.cpu_weight, 39U);
    EXPECT_FALSE(spec->resources.cpu_quota_us);
}

TEST(SeccompFilter, CompilesDockersProfile) {
    const auto filter = compile_filter(default_seccomp(default_capabilities()));
    ASSERT_TRUE(filter) << filter.error().what();
    EXPECT_GT(filter->program.size(), 100U);
    const auto first = cached_filter(default_seccomp(default_capabilities()));
    const auto second = cached_filter(default_seccomp(default_capabilities()));
    EXPECT_EQ(first->get(), second->get());
}

TEST(SeccompFilter, RefusesWhatItCannotExpress) {
    Seccomp seccomp{.default_action = "SCMP_ACT_ALLOW", .rules = {{.names = {"read"}, .action = "SCMP_ACT_NOTIFY"}}};
    EXPECT_THAT(compile_filter(seccomp).error().what(), HasSubstr("needs linux.seccomp.listenerPath"));
    seccomp.listener_path = "/run/listener";
    EXPECT_TRUE(compile_filter(seccomp));
    seccomp.rules[0].names = {"sendmsg"};
    EXPECT_THAT(compile_filter(seccomp).error().what(), HasSubstr("sendmsg"));
    EXPECT_THAT(compile_filter({.default_action = "SCMP_ACT_NOTIFY"}).error().what(), HasSubstr("default action"));
    seccomp.rules[0] = {.names = {"read"}, .action = "SCMP_ACT_ERRNO", .args = {{.op = "SCMP_CMP_LIKE"}}};
    EXPECT_EQ(compile_filter(seccomp).error().kind(), Kind::invalid);
    seccomp.rules.clear();
    seccomp.architectures = {"SCMP_ARCH_PDP11"};
    EXPECT_EQ(compile_filter(seccomp).error().kind(), Kind::invalid);
}

// The kernel's view of a device program, on the host: what the assembled instructions decide.
bool decides(const std::vector<bpf_insn>& program, std::uint32_t type, std::uint32_t access, std::uint32_t major,
             std::uint32_t minor) {
    std::uint64_t registers[11] = {};
    const std::uint32_t context[3] = {access << 16U | type, major, minor};
    for (std::size_t at = 0; at < program.size(); ++at) {
        const auto& i = program[at];
        const auto imm = static_cast<std::uint32_t>(i.imm);
        switch (i.code) {
            case BPF_LDX | BPF_MEM | BPF_W: registers[i.dst_reg] = context[i.off / 4]; break;
            case BPF_ALU | BPF_MOV | BPF_X:
                registers[i.dst_reg] = static_cast<std::uint32_t>(registers[i.src_reg]);
                break;
            case BPF_ALU | BPF_MOV | BPF_K: registers[i.dst_reg] = imm; break;
            case BPF_ALU | BPF_AND | BPF_K:
                registers[i.dst_reg] = static_cast<std::uint32_t>(registers[i.dst_reg]) & imm;
                break;
            case BPF_ALU | BPF_RSH | BPF_K:
                registers[i.dst_reg] = static_cast<std::uint32_t>(registers[i.dst_reg]) >> imm;
                break;
            case BPF_JMP | BPF_JNE | BPF_K:
                at += registers[i.dst_reg] != imm ? static_cast<std::size_t>(i.off) : 0;
                break;
            case BPF_JMP | BPF_JEQ | BPF_K:
                at += registers[i.dst_reg] == imm ? static_cast<std::size_t>(i.off) : 0;
                break;
            case BPF_JMP | BPF_EXIT: return registers[0] != 0;
            default: ADD_FAILURE() << "instruction " << int{i.code}; return false;
        }
    }
    ADD_FAILURE() << "fell off the end";
    return false;
}

constexpr std::uint32_t kBlock = BPF_DEVCG_DEV_BLOCK, kChar = BPF_DEVCG_DEV_CHAR, kMknod = BPF_DEVCG_ACC_MKNOD,
                        kRead = BPF_DEVCG_ACC_READ, kWrite = BPF_DEVCG_ACC_WRITE;

TEST(DeviceFilter, DecidesAsDockerDoes) {
    const auto program = assemble_device_filter(default_spec().resources.devices).value();
    EXPECT_TRUE(decides(program, kChar, kRead | kWrite, 1, 3));
    EXPECT_TRUE(decides(program, kChar, kWrite, 136, 17));
    EXPECT_TRUE(decides(program, kBlock, kMknod, 8, 0));
    EXPECT_FALSE(decides(program, kBlock, kRead, 8, 0));
    EXPECT_FALSE(decides(program, kChar, kRead, 1, 1));
    EXPECT_FALSE(decides(program, kChar, kRead | kMknod, 10, 200));
}

TEST(DeviceFilter, LetsLaterRulesDecideEachAccess) {
    const std::vector<DeviceRule> rules = {{.allow = false},
                                           {.allow = true, .type = 'c', .major = 1, .minor = 3, .access = "r"},
                                           {.allow = true, .type = 'c', .major = 1, .minor = 3, .access = "w"},
                                           {.allow = true, .type = 'c', .major = 5},
                                           {.allow = false, .type = 'c', .major = 5, .minor = 1, .access = "w"}};
    const auto program = assemble_device_filter(rules).value();
    EXPECT_TRUE(decides(program, kChar, kRead | kWrite, 1, 3));
    EXPECT_FALSE(decides(program, kChar, kRead | kMknod, 1, 3));
    EXPECT_TRUE(decides(program, kChar, kRead, 5, 1));
    EXPECT_FALSE(decides(program, kChar, kRead | kWrite, 5, 1));
    EXPECT_TRUE(allows_everything({{.allow = false}, {.allow = true}}));
    EXPECT_FALSE(allows_everything(rules));
    EXPECT_FALSE(assemble_device_filter({{.allow = true, .access = "x"}}));
}

TEST(DeviceFilter, PassesTheVerifier) {
    for (const auto& rules :
         {default_spec().resources.devices, std::vector<DeviceRule>{{.allow = true, .type = 'b'}}}) {
        const auto loaded = load_device_filter(assemble_device_filter(rules).value());
        if (!loaded && loaded.error().kind() != Kind::corrupt) {
            // Not every kernel that runs tests takes such programs, but no verifier may find fault with one.
            EXPECT_NE(loaded.error().error_number(), EACCES) << loaded.error().what();
            GTEST_SKIP() << loaded.error().what();
        }
        EXPECT_TRUE(loaded);
    }
}

TEST(MountOptions, AreReadAsMountDoes) {
    const auto options =
        parse_mount_options({"/x", "tmpfs", "tmpfs", {"ro", "nosuid", "rw", "noatime", "rnodev", "size=1m", "rslave"}});
    ASSERT_TRUE(options);
    EXPECT_EQ(options->own.set, std::uint64_t{MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOATIME});
    EXPECT_EQ(options->own.clear & MOUNT_ATTR_RDONLY, std::uint64_t{MOUNT_ATTR_RDONLY});
    EXPECT_EQ(options->recursive.set, std::uint64_t{MOUNT_ATTR_NODEV});
    EXPECT_TRUE(options->propagation_recursive);
    ASSERT_EQ(options->data.size(), 1U);
    EXPECT_EQ(options->data[0].key, "size");
    const auto bind = parse_mount_options({"/x", "bind", "/y", {"bind", "size=1", "ro"}});
    ASSERT_TRUE(bind) << "as mount(2) has it, which ignores what is for a file system";
    EXPECT_TRUE(bind->data.empty());
}

class ResolveUser : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = "/tmp/runtime-user-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        path_ = pattern;
        ASSERT_TRUE(sys::make_dirs(path_ + "/etc"));
        ASSERT_TRUE(sys::write_file(path_ + "/etc/passwd", "root:x:0:0::/:/bin/sh\nweb:x:33:34::/:\nbroken\n"));
        ASSERT_TRUE(sys::write_file(path_ + "/etc/group", "wheel:x:10:root,web\nadm:x:11:\nhuge:x:99999999999:\n"));
        root_ = sys::open_path(path_, O_PATH | O_DIRECTORY).value();
    }
    void TearDown() override { EXPECT_TRUE(sys::remove_tree(path_)); }
    Result<User> resolve(const std::string& user, const std::vector<std::string>& groups = {}) {
        return resolve_user(root_, user, groups);
    }

    const std::string& path() const { return path_; }
    void write(const std::string& name, const std::string& text) {
        ASSERT_TRUE(sys::write_file(path_ + "/etc/" + name, text));
    }

private:
    std::string path_;
    Fd root_;
};

TEST_F(ResolveUser, FindsNamesAndTakesNumbers) {
    auto user = resolve("web").value();
    EXPECT_EQ(user.uid, 33U);
    EXPECT_EQ(user.gid, 34U);
    EXPECT_THAT(user.additional_gids, ElementsAre(34, 10));
    user = resolve("").value();
    EXPECT_EQ(user.uid, 0U);
    EXPECT_THAT(user.additional_gids, ElementsAre(0, 10));
    user = resolve("5000").value();
    EXPECT_EQ(user.uid, 5000U);
    EXPECT_EQ(user.gid, 0U);
    user = resolve("33:adm", {"wheel", "77"}).value();
    EXPECT_EQ(user.gid, 11U);
    EXPECT_THAT(user.additional_gids, ElementsAre(11, 10, 77));
}

TEST_F(ResolveUser, RefusesWhatIsNotThere) {
    EXPECT_EQ(resolve("nope").error().what(), "unable to find user nope: no matching entries in passwd file");
    EXPECT_EQ(resolve("web:nope").error().what(), "unable to find group nope: no matching entries in group file");
    EXPECT_EQ(resolve("-1").error().what(), "uids and gids must be in range 0-2147483647");
    EXPECT_EQ(resolve("web:huge").error().kind(), Kind::invalid);
}

// CVE-2016-3697, CVE-2024-40635, CVE-2026-46680: an image that gives root the name of a number, also of one that is too
// large for a uid.
TEST_F(ResolveUser, NeverTakesANumberForAName) {
    write("passwd",
          "1000:x:0:0::/:\n4294967296:x:0:0::/:\n99999999999999999999:x:0:0::/:\n-7:x:0:0::/:\n7up:x:8:9::/:\n");
    write("group", "2000:x:0:\n4294967296:x:0:\n");
    EXPECT_EQ(resolve("1000")->uid, 1000U);
    EXPECT_EQ(resolve("1000:2000")->gid, 2000U);
    EXPECT_THAT(resolve("1000:2000", {"2000"})->additional_gids, ElementsAre(2000));
    for (const char* user : {"4294967296", "4294967295", "2147483648", "99999999999999999999", "-7", "1:4294967296"})
        EXPECT_EQ(resolve(user).error().what(), "uids and gids must be in range 0-2147483647") << user;
    EXPECT_FALSE(resolve("1", {"4294967296"}));
    EXPECT_EQ(resolve("7up")->uid, 8U) << "that is a name";
}

// CVE-2024-9676: the databases of the image are a link to the host's, a pipe, or endless.
TEST_F(ResolveUser, ReadsTheImagesOwnFilesOnly) {
    const auto outside = path() + "-outside";
    ASSERT_TRUE(sys::write_file(outside, "spy:x:7:7::/:\n"));
    const auto passwd = path() + "/etc/passwd";
    for (const auto& target : {outside, "../../../../../.." + outside}) {
        ASSERT_TRUE(sys::remove_file(passwd));
        ASSERT_EQ(::symlink(target.c_str(), passwd.c_str()), 0);
        EXPECT_EQ(resolve("spy").error().kind(), Kind::not_found);
    }
    ASSERT_TRUE(sys::remove_file(outside));
    ASSERT_TRUE(sys::remove_file(passwd));
    ASSERT_EQ(::mkfifo(passwd.c_str(), 0600), 0);
    EXPECT_EQ(resolve("5")->uid, 5U) << "and does not wait for a writer";
    ASSERT_TRUE(sys::remove_file(passwd));
    write("passwd", "");
    ASSERT_EQ(::truncate(passwd.c_str(), off_t{1} << 40U), 0);
    EXPECT_FALSE(resolve("web"));
}

}  // namespace
}  // namespace diatom::runtime
