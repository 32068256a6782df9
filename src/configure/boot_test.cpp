#include "configure/boot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "configure/digest.h"
#include "configure/gather.h"
#include "configure/testing/machine_fixture.h"
#include "http/testing/fake_server.h"

namespace diatom::configure {
namespace {

using http::testing::FakeRequest;
using http::testing::FakeResponse;
using http::testing::FakeServer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// What the platform looks like and hands over, and boots of the machine that it is handed to.
class Boots : public testing::MachineFixture {
protected:
    void SetUp() override {
        MachineFixture::SetUp();
        for (const auto* directory : {"/proc", "/seed", "/fw/by_name/opt/com.coreos/config", "/var/lib/diatom/config"})
            ASSERT_TRUE(sys::make_dirs(at(directory)));
        put("/proc/cmdline", "quiet\n");
        put("/usr/share/diatom/machine.yml", "ssh: {enabled: false}\n");
        facts_.dmi.product_uuid = "1234";
    }

    void seed(const std::string& meta_data, const std::string& user_data) {
        facts_.labels = {"cidata"};
        put("/seed/meta-data", meta_data);
        put("/seed/user-data", user_data);
    }
    void server(const std::string& url) { facts_.command_line = "ds=nocloud;s=" + url; }
    void ignition(const std::string& text) {
        facts_.firmware_items = {"opt/com.coreos/config"};
        put("/fw/by_name/opt/com.coreos/config/raw", text);
    }

    OutsideMeans means() {
        OutsideMeans means;
        means.facts = [this] { return facts_; };
        means.mount = [this](const std::string&) -> Result<std::string> { return at("/seed"); };
        means.raise_network = [this]() -> Result<void> {
            ++raised_;
            if (!network_) return fail(Kind::unavailable, "no cable");
            return {};
        };
        means.firmware = at("/fw");
        means.endpoints = endpoints_;
        means.patience = std::chrono::milliseconds(2000);
        return means;
    }
    Said boot() { return configure_at_boot(means(), root()); }
    Said late() { return configure_late(means(), root()); }
    void new_etc() {
        ASSERT_TRUE(sys::remove_tree(at("/etc")));
        ASSERT_TRUE(sys::remove_tree(at("/run")));
        ASSERT_TRUE(sys::make_dirs(at("/etc")));
        ASSERT_TRUE(sys::make_dirs(at("/run")));
    }

    platform::Facts facts_;
    platform::Endpoints endpoints_;
    std::string server_url_;
    bool network_ = true;
    int raised_ = 0;
};

void expect_nothing(const Said& said) {
    EXPECT_THAT(said.warnings, IsEmpty());
    EXPECT_THAT(said.problems, IsEmpty());
    EXPECT_THAT(said.fatal, IsEmpty());
}

TEST_F(Boots, WithoutAPlatformAreAsBefore) {
    put("/var/lib/diatom/config/machine.yml", "hostname: mine");
    expect_nothing(boot());
    EXPECT_EQ(get("/etc/hostname"), "mine\n");
    EXPECT_FALSE(sys::exists(at("/run/diatom/instance-id")));
    EXPECT_EQ(raised_, 0);
}

TEST_F(Boots, ASeedIsApplied) {
    seed("instance-id: i-1\nlocal-hostname: seeded\npublic-keys: [ssh-rsa AAAA meta]\n",
         "#cloud-config\nusers: [{name: core, plain_text_passwd: secret, lock_passwd: false}]\n"
         "write_files: [{path: /etc/motd, content: hello}]\npackages: [nginx]\n");
    const auto said = boot();
    EXPECT_THAT(said.warnings, ElementsAre(HasSubstr("user-data on cidata:4: packages: packages are not installed")));
    EXPECT_THAT(said.problems, IsEmpty());
    EXPECT_EQ(get("/etc/hostname"), "seeded\n");
    EXPECT_EQ(get("/root/.ssh/authorized_keys"), "ssh-rsa AAAA meta\n");
    EXPECT_EQ(get("/etc/motd"), "hello");
    EXPECT_THAT(get("/etc/shadow"), HasSubstr("core:$6$"));
    EXPECT_EQ(get("/run/diatom/instance-id"), "i-1");
    EXPECT_EQ(raised_, 0);
    EXPECT_EQ(sys::stat_path(at("/var/lib/diatom/instances/i-1/handed.json"))->st_mode & 07777U, 0600U);
    // `why` needs no more than what is kept.
    const auto gathered = gather({at("/none"), at("/none"), at("/proc/cmdline"), root()});
    const auto why = gathered.layers.why(*machine::parse_path("hostname"));
    ASSERT_EQ(why.size(), 1U);
    EXPECT_EQ(why[0].source, "nocloud metadata");
    EXPECT_EQ(why[0].place, "meta-data on cidata");
    const auto files = gathered.layers.why(*machine::parse_path("files.\"/etc/motd\""));
    ASSERT_EQ(files.size(), 1U);
    EXPECT_EQ(files[0].place, "user-data on cidata:3");
}

TEST_F(Boots, TheInstanceDecidesWhatRunsOnce) {
    const auto out = at("/tmp/out");
    seed("instance-id: i-1\n", "#cloud-config\nbootcmd: [echo boot >>" + out + "]\nruncmd: [echo run >>" + out + "]\n");
    boot();
    late();
    boot();
    late();
    EXPECT_EQ(get("/tmp/out"), "boot\nrun\nboot\n");
    put("/seed/meta-data", "instance-id: i-2\n");
    boot();
    late();
    EXPECT_EQ(get("/tmp/out"), "boot\nrun\nboot\nboot\nrun\n");
}

TEST_F(Boots, ScriptsRunAsOftenAsTheirKindSays) {
    const auto out = at("/tmp/out");
    const auto part = [&](const std::string& type, const std::string& word) {
        return "--b\nContent-Type: text/" + type + "\n\n#!/bin/sh\necho " + word + " $INSTANCE_ID >>" + out + "\n";
    };
    const std::string parts = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n" +
                              part("x-shellscript", "once") + part("x-shellscript-per-boot", "each") +
                              part("x-shellscript-per-once", "machine") + part("cloud-boothook", "hook") + "--b--\n";
    seed("instance-id: i-1\n", parts);
    boot();
    late();
    boot();
    late();
    put("/seed/meta-data", "instance-id: i-2\n");
    boot();
    late();
    EXPECT_EQ(get("/tmp/out"),
              "hook i-1\nonce i-1\neach i-1\nmachine i-1\nhook i-1\neach i-1\nhook i-2\nonce i-2\neach i-2\n");
}

TEST_F(Boots, WhatIsOurOwnIsTakenWholeOrNotAtAll) {
    seed("instance-id: i-1\n", "#diatom-config\nhostname: own\nsysctl: {net.ipv4.ip_forward: 1}\n");
    expect_nothing(boot());
    EXPECT_EQ(get("/etc/hostname"), "own\n");
    seed("instance-id: i-1\n", "#diatom-config\nhostname: other\nsysctls: {}\n");
    EXPECT_THAT(boot().warnings, ElementsAre(HasSubstr("user-data on cidata is left out: user-data on cidata:3: "
                                                       "sysctls: unknown key")));
}

TEST_F(Boots, AServerIsAskedOnceAndAgainWhenThereIsTime) {
    std::string name = "first", included = "#cloud-config\nwrite_files: [{path: /etc/a, content: one}]\n";
    FakeServer server([&](const FakeRequest& request) -> FakeResponse {
        if (request.target == "/meta-data") return {.body = "instance-id: i-1\nlocal-hostname: " + name + "\n"};
        if (request.target == "/user-data") return {.body = "#include " + server_url_ + "more\n"};
        if (request.target == "/more") return {.body = included};
        return {.status = 404};
    });
    server_url_ = "http://" + server.address() + "/";
    Boots::server(server_url_);
    expect_nothing(boot());
    EXPECT_EQ(get("/etc/hostname") + get("/etc/a"), "first\none");
    EXPECT_FALSE(sys::exists(at("/run/diatom/config/ask-again")));
    const int raised = raised_;
    EXPECT_GT(raised, 0);
    // Without a network, and before it is asked again.
    network_ = false;
    name = "second";
    included = "#cloud-config\nwrite_files: [{path: /etc/a, content: two}]\n";
    new_etc();
    expect_nothing(boot());
    EXPECT_EQ(raised_, raised);
    EXPECT_EQ(get("/etc/hostname") + get("/etc/a"), "first\none");
    EXPECT_TRUE(sys::exists(at("/run/diatom/config/late")));
    EXPECT_THAT(late().problems,
                ElementsAre(HasSubstr("could not be asked, what it said before holds: raise the network: no cable")));
    EXPECT_EQ(get("/etc/hostname"), "first\n");
    EXPECT_FALSE(sys::exists(at("/run/diatom/config/ask-again")));
    // With it, what is new is applied to the running machine.
    network_ = true;
    new_etc();
    expect_nothing(boot());
    expect_nothing(late());
    EXPECT_TRUE(sys::exists(at("/run/diatom/config/late-done")));
    EXPECT_EQ(get("/etc/hostname") + get("/etc/a"), "second\ntwo");
}

TEST_F(Boots, AServerThatIsNotThereStopsNothing) {
    network_ = false;
    server("http://127.0.0.1:1/");
    put("/var/lib/diatom/config/machine.yml", "hostname: mine");
    const auto said = boot();
    EXPECT_THAT(said.problems, ElementsAre(HasSubstr("the platform could not be asked: raise the network: no cable")));
    EXPECT_THAT(said.fatal, IsEmpty());
    EXPECT_EQ(get("/etc/hostname"), "mine\n");
    EXPECT_TRUE(sys::exists(at("/run/diatom/config/ask-again")));
}

// Who asks as Azure's guests do, is told, and tells once that it is up.
TEST_F(Boots, AzureIsToldThatTheMachineIsUp) {
    int told = 0;
    FakeServer server([&](const FakeRequest& request) -> FakeResponse {
        if (request.target.starts_with("/metadata/instance"))
            return {.body = R"({"compute":{"osProfile":{"computerName":"web-1"},"vmId":"AA-BB"}})"};
        if (request.method == "GET" && request.target == "/machine/?comp=goalstate")
            return {.body =
                        "<GoalState><Incarnation>1</Incarnation><Container><ContainerId>c</ContainerId>"
                        "<RoleInstanceList><RoleInstance><InstanceId>i</InstanceId></RoleInstance>"
                        "</RoleInstanceList></Container></GoalState>"};
        if (request.method != "POST") return {.status = 404};
        ++told;
        return {};
    });
    facts_.dmi.chassis_asset_tag = "7783-7084-3265-9085-8269-3286-77";
    endpoints_.azure = endpoints_.azure_wireserver = {"http://" + server.address()};
    expect_nothing(boot());
    EXPECT_EQ(get("/etc/hostname") + get("/run/diatom/instance-id"), "web-1\naa-bb");
    EXPECT_TRUE(sys::exists(at("/run/diatom/config/late")));
    expect_nothing(late());
    expect_nothing(boot());
    expect_nothing(late());
    EXPECT_EQ(told, 1);
}

std::string document(std::string_view rest) { return std::format(R"({{"ignition":{{"version":"3.4.0"}},{}}})", rest); }

TEST_F(Boots, IgnitionIsApplied) {
    const std::string bytes = "fetched";
    FakeServer server([&](const FakeRequest&) -> FakeResponse { return {.body = bytes}; });
    ignition(document(std::format(
        R"("storage":{{"files":[{{"path":"/etc/hostname","contents":{{"source":"data:,lit"}}}},
           {{"path":"/etc/a","mode":384,"contents":{{"source":"data:,hi"}}}},
           {{"path":"/srv/b","contents":{{"source":"http://{}/b","verification":{{"hash":"sha256-{}"}}}}}}]}},
           "passwd":{{"users":[{{"name":"core","sshAuthorizedKeys":["ssh-rsa AAAA"]}}]}})",
        server.address(), sha256_hex(bytes))));
    expect_nothing(boot());
    EXPECT_EQ(get("/etc/hostname") + get("/etc/a") + get("/srv/b"), "lit\nhifetched");
    EXPECT_EQ(get("/home/core/.ssh/authorized_keys"), "ssh-rsa AAAA\n");
    // The next boot needs no network for what is not kept by itself.
    network_ = false;
    new_etc();
    ASSERT_TRUE(sys::remove_tree(at("/srv")));
    expect_nothing(boot());
    EXPECT_EQ(get("/etc/a") + get("/srv/b"), "hifetched");
    // What is kept under the same name already is left so, and nothing beside it.
    expect_nothing(boot());
    EXPECT_EQ(get("/srv/b"), "fetched");
    EXPECT_FALSE(sys::exists(at("/srv/b.diatom-new")));
}

TEST_F(Boots, IgnitionThatFailsStopsTheFirstBoot) {
    ignition(document(R"("storage":{"files":[{"path":"etc/a"}]})"));
    auto said = boot();
    EXPECT_THAT(said.fatal, ElementsAre(HasSubstr("storage.files[0].path: must be an absolute path")));
    EXPECT_EQ(get("/etc/hostname"), "(nothing)");
    ignition(document(R"("kernelArguments":{"shouldExist":["a=b"]})"));
    EXPECT_THAT(boot().fatal, ElementsAre(HasSubstr("this machine was not started by systemd-boot from a disk")));
    put("/etc/there", "old");
    ignition(document(R"("storage":{"files":[{"path":"/etc/there","contents":{"source":"data:,new"}}]})"));
    EXPECT_THAT(boot().fatal, ElementsAre(HasSubstr("files.\"/etc/there\": is there already, and overwrite is false")));
    ignition(document(R"("storage":{"files":[{"path":"/etc/a","contents":{"source":"http://127.0.0.1:1/a"}}]})"));
    network_ = false;
    EXPECT_THAT(boot().fatal, ElementsAre(HasSubstr("raise the network: no cable")));
}

TEST_F(Boots, IgnitionStopsAtWhatIsInTheWay) {
    ASSERT_TRUE(sys::make_dirs(at("/srv/dir")));
    put("/srv/file", "old");
    ignition(document(R"("storage":{"directories":[{"path":"/srv/file"}],"files":[{"path":"/srv/dir"}],
        "links":[{"path":"/etc/passwd","target":"y"}]})"));
    put("/etc/passwd", "");
    EXPECT_THAT(boot().fatal, ElementsAre(HasSubstr("\"/srv/file\": is there already, and no directory"),
                                          HasSubstr("\"/srv/dir\": is there already, and no file"),
                                          HasSubstr("\"/etc/passwd\": is there already, and overwrite is false")));
    ignition(document(R"("passwd":{"groups":[{"name":"mine","gid":100}],
        "users":[{"name":"a","uid":65534,"groups":["mine","ghosts"]},{"name":"b","primaryGroup":"none","uid":7},
                 {"name":"c","uid":7,"groups":["a"]}]})"));
    EXPECT_THAT(
        boot().fatal,
        ElementsAre(HasSubstr("users.a.groups: there is no such group"), HasSubstr("users.a.uid: is another user's"),
                    HasSubstr("users.b.group: there is no such group"), HasSubstr("users.b.uid: is another user's"),
                    HasSubstr("users.c.uid: is another user's"), HasSubstr("groups.mine.gid: is another group's")));
}

TEST_F(Boots, IgnitionOverwritesWhatIsOfAnotherKind) {
    ASSERT_TRUE(sys::make_dirs(at("/srv/one/below")));
    ASSERT_TRUE(sys::make_dirs(at("/srv/two")));
    put("/srv/two/old", "");
    put("/srv/three", "");
    ignition(document(R"("storage":{"files":[{"path":"/srv/one","overwrite":true,"contents":{"source":"data:,hi"}}],
        "directories":[{"path":"/srv/two","overwrite":true},{"path":"/srv/three","overwrite":true}]})"));
    expect_nothing(boot());
    EXPECT_EQ(get("/srv/one"), "hi");
    EXPECT_FALSE(sys::exists(at("/srv/two/old")));
    EXPECT_TRUE(S_ISDIR(sys::stat_path(at("/srv/three"))->st_mode));
    // Once: what came into it since is somebody's.
    put("/srv/two/new", "kept");
    expect_nothing(boot());
    EXPECT_EQ(get("/srv/two/new"), "kept");
}

TEST_F(Boots, IgnitionThatCannotBeAskedForStopsTheFirstBoot) {
    network_ = false;
    facts_.command_line = "ignition.config.url=http://127.0.0.1:1/config.ign";
    const auto said = boot();
    EXPECT_THAT(said.fatal, ElementsAre(HasSubstr("the platform could not be asked: raise the network: no cable")));
    EXPECT_THAT(said.problems, IsEmpty());
}

TEST_F(Boots, IgnitionThatWasDoneStopsNoLaterBoot) {
    ignition(document(R"("storage":{"files":[{"path":"/opt/a","contents":{"source":"data:,hi"}}]})"));
    expect_nothing(boot());
    ASSERT_TRUE(sys::remove_tree(at("/opt")));
    put("/opt", "in the way");
    const auto said = boot();
    EXPECT_THAT(said.fatal, IsEmpty());
    EXPECT_THAT(said.problems, ElementsAre(HasSubstr("files.\"/opt/a\"")));
}

TEST_F(Boots, ButaneIsReadAsItIs) {
    seed("instance-id: i-1\n",
         "# of the web servers\nvariant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /etc/a\n      contents: "
         "{inline: butane}\n");
    expect_nothing(boot());
    EXPECT_EQ(get("/etc/a"), "butane");
}

TEST_F(Boots, TheCommandLineHasTheLastWord) {
    seed("instance-id: i-1\nlocal-hostname: seeded\n", "");
    put("/proc/cmdline", "rancher.network.dns.nameservers=[192.0.2.1] cc.hostname=old diatom.hostname=line");
    const auto said = boot();
    expect_nothing(said);
    EXPECT_THAT(get("/run/diatom/network/config.json"), HasSubstr("192.0.2.1"));
    EXPECT_EQ(get("/etc/hostname"), "line\n");
}

}  // namespace
}  // namespace diatom::configure
