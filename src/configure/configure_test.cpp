#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/json.h"
#include "base/strings.h"
#include "configure/accounts.h"
#include "configure/apply.h"
#include "configure/gather.h"
#include "configure/testing/machine_fixture.h"
#include "machine/store.h"
#include "sys/file.h"

namespace diatom::configure {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::json;
using ::testing::Not;
using testing::read;
using Configure = testing::MachineFixture;

TEST_F(Configure, NamesTheMachine) {
    put("/etc/hosts", "127.0.0.1 localhost");
    EXPECT_THAT(apply("hostname: web-1.example.com"), IsEmpty());
    EXPECT_THAT(apply("hostname: web-2.example.com"), IsEmpty());
    EXPECT_EQ(get("/etc/hostname"), "web-2\n");
    EXPECT_EQ(get("/etc/hosts"),
              "127.0.0.1 localhost\n# diatom: this machine\n127.0.1.1 web-2.example.com web-2\n# diatom: end\n");
}

TEST_F(Configure, WritesKernelSettings) {
    EXPECT_THAT(apply("sysctl: {net.ipv4.ip_forward: 1}"), IsEmpty());
    EXPECT_EQ(get("/proc/sys/net/ipv4/ip_forward"), "1");
    EXPECT_THAT(apply("sysctl: {net.ipv4.no_such: 1}"),
                ElementsAre(HasSubstr("sysctl.\"net.ipv4.no_such\": set net.ipv4.no_such to 1")));
}

TEST_F(Configure, MakesUsers) {
    EXPECT_THAT(apply("users: {core: {groups: [users, extra], password_hash: $6$a, shell: /bin/ash, "
                      "ssh_authorized_keys: [ssh-rsa AAAA core]}}\nssh_authorized_keys: [ssh-rsa BBBB]\ngroups: {crew: "
                      "{gid: 2000, members: [core]}}"),
                IsEmpty());
    EXPECT_THAT(get("/etc/passwd"), HasSubstr("core:x:1000:1000::/home/core:/bin/ash\n"));
    EXPECT_EQ(get("/etc/group"), "root:x:0:\nusers:x:100:core\ncrew:x:2000:core\ncore:x:1000:\nextra:x:200:core\n");
    EXPECT_THAT(get("/etc/shadow"), HasSubstr("core:$6$a:20000:"));
    EXPECT_EQ(get("/home/core/.ssh/authorized_keys"), "ssh-rsa AAAA core\n");
    EXPECT_EQ(get("/root/.ssh/authorized_keys"), "ssh-rsa BBBB\n");
    EXPECT_EQ(sys::stat_path(at("/etc/shadow"))->st_mode & 07777U, 0640U);
}

TEST_F(Configure, WhoIsNoLongerConfiguredIsGoneAndKeepsTheirId) {
    EXPECT_THAT(apply("users: {first: {}, second: {}}"), IsEmpty());
    EXPECT_THAT(apply("users: {third: {}}"), IsEmpty());
    EXPECT_THAT(get("/etc/passwd"), Not(HasSubstr("first")));
    EXPECT_THAT(get("/etc/passwd"), HasSubstr("third:x:1002:"));
    EXPECT_THAT(apply("users: {second: {}}"), IsEmpty());
    EXPECT_THAT(get("/etc/passwd"), HasSubstr("second:x:1001:"));
}

TEST_F(Configure, KeysDoNotFollowALinkOutOfAHome) {
    EXPECT_THAT(apply("users: {core: {}}"), IsEmpty());
    std::filesystem::create_symlink(at("/etc"), at("/home/core/.ssh"));
    EXPECT_THAT(apply("users: {core: {ssh_authorized_keys: [ssh-rsa AAAA]}}"),
                ElementsAre(HasSubstr("write the keys of core")));
    EXPECT_EQ(get("/etc/authorized_keys"), "(nothing)");
}

TEST_F(Configure, TwoUsersOfOneIdAreSaid) {
    EXPECT_THAT(apply("users: {a: {uid: 1500}, b: {uid: 1500}}"),
                ElementsAre(HasSubstr("users.a.uid: 1500 is also"), HasSubstr("users.b.uid")));
}

TEST_F(Configure, WritesFiles) {
    EXPECT_THAT(apply("files:\n"
                      "  /etc/motd: {content: hello, mode: \"0600\"}\n"
                      "  /etc/bytes: {content_base64: AAEC}\n"
                      "  /etc/d: {kind: directory, mode: \"0700\"}\n"
                      "  /etc/link: {kind: symlink, target: motd}\n"
                      "  /etc/hard: {kind: hardlink, target: /etc/motd}\n"
                      "  /etc/late: {content: x, when: late}\n"),
                IsEmpty());
    EXPECT_EQ(get("/etc/motd"), "hello");
    EXPECT_EQ(sys::stat_path(at("/etc/motd"))->st_mode & 07777U, 0600U);
    EXPECT_EQ(get("/etc/bytes"), std::string("\0\1\2", 3));
    EXPECT_EQ(sys::read_link(at("/etc/link")).value_or(""), "motd");
    EXPECT_EQ(sys::stat_path(at("/etc/hard"))->st_nlink, 2U);
    EXPECT_EQ(get("/etc/late"), "(nothing)");
    EXPECT_TRUE(sys::exists(at("/run/diatom/config/late")));
    EXPECT_THAT(apply("files: {/etc/late: {content: x, when: late}}", Phase::late), IsEmpty());
    EXPECT_EQ(get("/etc/late"), "x");
}

TEST_F(Configure, AppendsOnce) {
    put("/etc/profile", "a\n");
    EXPECT_THAT(apply("files: {/etc/profile: {content: \"b\\n\", append: true}}"), IsEmpty());
    EXPECT_THAT(apply("files: {/etc/profile: {content: \"b\\n\", append: true}}"), IsEmpty());
    EXPECT_EQ(get("/etc/profile"), "a\nb\n");
    EXPECT_THAT(apply("files: {/etc/profile: {content: c, overwrite: false}}"), IsEmpty());
    EXPECT_EQ(get("/etc/profile"), "a\nb\n");
}

TEST_F(Configure, RunsCommandsOfTheFirstBootOnce) {
    put("/run/out", "");
    const auto text = "commands: {boot: [\"echo boot >>" + at("/run/out") + "\"], run: [\"echo run >>" +
                      at("/run/out") + "\", [/bin/false]]}";
    EXPECT_THAT(apply(text), IsEmpty());
    EXPECT_THAT(apply(text, Phase::late), ElementsAre(HasSubstr("commands.run[1]: run the command: it ended with 1")));
    EXPECT_THAT(apply(text, Phase::late), IsEmpty());
    EXPECT_EQ(get("/run/out"), "boot\nrun\n");
}

// Without running what makes keys.
std::vector<std::string> options(const std::string& text, const Root& root) {
    const auto made = plan(read(text), Phase::boot, root);
    for (const auto& step : made.steps) {
        if (step.what != "write what the SSH server is started with") continue;
        EXPECT_TRUE(step.run());
    }
    const auto written = sys::read_file(root.at("/run/diatom/ssh/options")).value_or("");
    std::vector<std::string> words;
    for (const auto word : split_words(written)) words.emplace_back(word);
    return words;
}

TEST_F(Configure, RunsSshWhereSomebodyMayLogIn) {
    const Root root{directory_.path()};
    EXPECT_THAT(options("hostname: a", root), IsEmpty());
    EXPECT_THAT(options("ssh_authorized_keys: [ssh-rsa AAAA]", root),
                ElementsAre("-r", "/var/lib/diatom/ssh/host_ed25519", "-r", "/var/lib/diatom/ssh/host_ecdsa", "-p",
                            "22", "-s"));
    const auto said =
        options("ssh: {enabled: true, port: 2222, listen: [\"::1\", 192.0.2.1], passwords: true, root: false}", root);
    EXPECT_THAT(std::vector(said.begin() + 4, said.end()),
                ElementsAre("-p", "[::1]:2222", "-p", "192.0.2.1:2222", "-g", "-w"));
    EXPECT_THAT(apply("ssh: {enabled: false}\nssh_authorized_keys: [ssh-rsa AAAA]"), IsEmpty());
    EXPECT_FALSE(sys::exists(root.at("/run/diatom/ssh/options")));
}

TEST_F(Configure, TellsTheEngine) {
    EXPECT_THAT(apply("engine: {mirrors: {docker.io: \"m:5000\"}, insecure: [\"m:5000\"], tls: {port: 1234}}\nproxies: "
                      "{http: \"http://p:1\", none: [a, b]}"),
                IsEmpty());
    const auto settings = parse_json(get("/run/diatom/config/engine.json"), "engine.json");
    ASSERT_TRUE(settings);
    EXPECT_EQ((*settings)["registry_mirrors"]["docker.io"], "m:5000");
    EXPECT_EQ((*settings)["proxies"]["no_proxy"], "a,b");
    EXPECT_EQ((*settings)["tls"]["port"], 1234);
    EXPECT_THAT(apply("hostname: a"), IsEmpty());
    EXPECT_EQ(get("/run/diatom/config/engine.json"), "{}\n");
}

TEST_F(Configure, TellsTheConsoleAndPid1) {
    EXPECT_THAT(apply("watchdog: 10\nconsole: {autologin: true, image: debian, persistent: false}\n"
                      "engine: {image: 'docker:28', command: [dockerd, --debug]}"),
                IsEmpty());
    EXPECT_EQ(get("/run/diatom/watchdog"), "10");
    EXPECT_EQ(get("/run/diatom/console/options"), "autologin\n");
    EXPECT_EQ(get("/run/diatom/config/services/disabled"), "user-engine\n");
    const auto console = get("/run/diatom/config/services/projects/image-console.yml");
    EXPECT_THAT(console, HasSubstr("io.rancher.os.console"));
    EXPECT_THAT(console, HasSubstr("io.docker.compose.rebuild"));
    const auto engine = get("/run/diatom/config/services/projects/image-engine.yml");
    EXPECT_THAT(engine, HasSubstr("/var/lib/diatom/engines/docker_28:/var/lib/docker"));
    EXPECT_THAT(engine, HasSubstr("dockerd"));
    EXPECT_THAT(apply("hostname: a"), IsEmpty());
    EXPECT_EQ(get("/run/diatom/console/options"), "(nothing)");
    EXPECT_EQ(get("/run/diatom/config/services/projects/image-console.yml"), "(nothing)");
}

TEST_F(Configure, SaysWhatIsNotBuilt) {
    EXPECT_THAT(apply("users: {core: {sudo: [ALL=(ALL) ALL]}, me: {password_expired: false}}\n"
                      "kernel_arguments: {add: [a=b]}"),
                ElementsAre(HasSubstr("machine.yml:2: kernel_arguments: is not applied by this version"),
                            HasSubstr("machine.yml:1: users.core.sudo: is not applied: there is no sudo here")));
}

TEST_F(Configure, GathersInOrder) {
    ASSERT_TRUE(sys::make_dirs(at("/state/machine.d")));
    put("/image.yml", "hostname: image\nwatchdog: 1");
    put("/state/machine.d/10-a.yml", "hostname: a\nwatchdog: 2");
    put("/state/machine.d/20-b.yml", "hostnam: b");
    put("/state/machine.yml", "hostname: mine");
    put("/cmdline",
        "quiet diatom.set.watchdog=3 diatom.set.time.servers=[x,y] diatom.set.nothing=1 diatom.hostname=line");
    const auto gathered = gather({at("/image.yml"), at("/state"), at("/cmdline")});
    EXPECT_EQ(json(gathered.layers.merged()), R"({"hostname":"line","watchdog":3,"time":{"servers":["x","y"]}})");
    EXPECT_THAT(gathered.warnings,
                ElementsAre(HasSubstr("did you mean \"hostname\"?"), HasSubstr("nothing: unknown key")));
}

TEST_F(Configure, KeepsWhatTheConfigurationWas) {
    const machine::Store store(at("/store"));
    EXPECT_EQ(json(*store.own()), "{}");
    ASSERT_TRUE(store.write(read("hostname: a"), "set hostname"));
    ASSERT_TRUE(store.write(read("hostname: b"), "set hostname again"));
    EXPECT_FALSE(store.write(read("hostnam: c"), "a mistake"));
    EXPECT_EQ(json(*store.own()), R"({"hostname":"b"})");
    const auto history = store.history();
    ASSERT_TRUE(history);
    ASSERT_EQ(history->size(), 2U);
    EXPECT_EQ((*history)[0].why, "set hostname again");
    EXPECT_EQ(json(*store.revision((*history)[0].number)), R"({"hostname":"a"})");
    EXPECT_EQ(json(*store.revision((*history)[1].number)), "{}");
    EXPECT_FALSE(store.revision(99));
    EXPECT_EQ(sys::stat_path(store.file())->st_mode & 07777U, 0600U);
}

}  // namespace
}  // namespace diatom::configure
