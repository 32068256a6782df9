// VMware, QEMU's firmware, files and URLs; and all of them on top of each other.
#include <gmock/gmock.h>

#include "platform/testing/cloud_fixture.h"

namespace diatom::platform {
namespace {

using ::testing::ElementsAre;
using testing::FakeServer;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class MachinesTest : public testing::CloudFixture {
protected:
    // What VMware's tool would print.
    static std::function<void(Access&)> guestinfo(std::map<std::string, std::string> values) {
        return [values = std::move(values)](Access& access) {
            access.guestinfo = [values](std::string key) -> Task<std::optional<std::string>> {
                const auto it = values.find(key);
                if (it == values.end()) co_return std::nullopt;
                co_return it->second;
            };
        };
    }
    Result<Gathered> gathered(Facts facts) {
        Fetcher fetcher(options_);
        Access access{.facts = std::move(facts), .fetcher = fetcher, .endpoints = endpoints_};
        mount_directories(access);
        access.files = directory_ / "config";
        return testing::run(gather(access, identify(access.facts)));
    }
    const Candidate vmware_{.platform = Platform::vmware};
};

TEST_F(MachinesTest, Guestinfo) {
    const auto got = read(vmware_, guestinfo({{"guestinfo.metadata",
                                               "H4sIAAAAAAACA8vMKy5JzEtO1c1MsVJIr9I15MrJT07M0c3ILy7JS8xNBQly5aWWlOcXZVs"
                                               "pVJelFhVn5udZKRjVcgEAXIagxTsAAAA="},
                                              {"guestinfo.metadata.encoding", "gzip+base64"},
                                              {"guestinfo.userdata", "I2Nsb3VkLWNvbmZpZwo="},
                                              {"guestinfo.userdata.encoding", "base64"},
                                              {"guestinfo.vendordata", "---"}}));
    ASSERT_TRUE(got) << got.error().what();
    EXPECT_EQ(got->instance_id + got->hostname, "gz-1gz");
    EXPECT_EQ(got->user_data->bytes, "#cloud-config\n");
    EXPECT_EQ(got->user_data->from, "guestinfo.userdata");
    EXPECT_TRUE(got->vendor_data.empty());
    EXPECT_EQ(got->network_config->bytes, R"({"version":2})");
}

TEST_F(MachinesTest, GuestinfoOfIgnition) {
    const auto got = read(vmware_, guestinfo({{"guestinfo.ignition.config.data", "eyJpZ25pdGlvbiI6e319"},
                                              {"guestinfo.ignition.config.data.encoding", "base64"},
                                              {"guestinfo.userdata", "#cloud-config"}}));
    ASSERT_TRUE(got) << got.error().what();
    EXPECT_EQ(got->user_data->bytes, R"({"ignition":{}})");
}

constexpr const char* kOvf = R"(<?xml version="1.0"?><Environment xmlns:oe="e"><PropertySection>
<Property oe:key="instance-id" oe:value="ovf-1"/><Property oe:key="hostname" oe:value="web"/>
<Property oe:key="public-keys" oe:value="ssh-rsa AAAA"/><Property oe:key="password" oe:value="hunter2"/>
<Property oe:key="user-data" oe:value="I2Nsb3VkLWNvbmZpZwo="/></PropertySection></Environment>)";

TEST_F(MachinesTest, AnOvfEnvironment) {
    write("OVF ENV/ovf-env.xml", kOvf);
    auto candidate = vmware_;
    candidate.label = "OVF ENV";
    for (const auto& prepare : {guestinfo({}), guestinfo({{"guestinfo.ovfEnv", kOvf}}), Prepare()}) {
        const auto got = read(candidate, prepare);
        ASSERT_TRUE(got) << got.error().what();
        EXPECT_EQ(got->instance_id + got->hostname, "ovf-1web");
        EXPECT_THAT(got->public_keys, ElementsAre("ssh-rsa AAAA"));
        EXPECT_EQ(got->user_data->bytes, "#cloud-config\n");
        EXPECT_THAT(got->warnings, ElementsAre(HasSubstr("password")));
    }
}

TEST_F(MachinesTest, VmwareWithoutAnything) {
    EXPECT_THAT(read_error(vmware_, Kind::not_found), HasSubstr("VMware's own tools"));
    EXPECT_THAT(read_error(vmware_, Kind::not_found, guestinfo({})), HasSubstr("are empty"));
}

TEST_F(MachinesTest, Firmware) {
    write("fw/by_key/35/raw", "{\"ignition\":{\"version\":\"3.4.0\"}}");
    write("fw/by_name/opt/io.systemd.credentials/ssh.authorized_keys.root/raw", "ssh-rsa AAAA\nssh-rsa BBBB\n");
    write("fw/by_name/opt/io.systemd.credentials/system.hostname/raw", "box\n");
    std::filesystem::create_directories(directory_ / "fw/by_name/opt/com.coreos");
    std::filesystem::create_directory_symlink("../../../by_key/35", directory_ / "fw/by_name/opt/com.coreos/config");
    const auto there = [this](Access& access) { access.firmware = directory_ / "fw"; };
    auto got = read({.platform = Platform::firmware}, there);
    ASSERT_TRUE(got) << got.error().what();
    EXPECT_EQ(got->user_data->bytes, "{\"ignition\":{\"version\":\"3.4.0\"}}");
    EXPECT_EQ(got->user_data->from, "fw_cfg opt/com.coreos/config");
    EXPECT_EQ(got->public_keys.size(), 2U);
    EXPECT_EQ(got->hostname, "box");
    write("fw/by_name/opt/diatom/user-data/raw", "#cloud-config\n");
    write("fw/by_name/opt/diatom/meta-data/raw", "instance-id: fw-1\n");
    write("fw/by_name/opt/diatom/network-config/raw", "version: 2\n");
    got = read({.platform = Platform::firmware}, there);
    ASSERT_TRUE(got) << got.error().what();
    EXPECT_EQ(got->user_data->bytes, "#cloud-config\n");
    EXPECT_EQ(got->instance_id, "fw-1");
    EXPECT_EQ(got->network_config->bytes, "version: 2\n");
    read_error({.platform = Platform::firmware}, Kind::not_found,
               [this](Access& access) { access.firmware = directory_ / "none"; });
}

TEST_F(MachinesTest, FilesAndUrls) {
    const FakeServer server(testing::serve({{"/u?k=hunter2", {.body = "from the net"}}}));
    write("plain", "from a file");
    const auto net = read({.platform = Platform::url, .url = "http://" + server.address() + "/u?k=hunter2"});
    ASSERT_TRUE(net) << net.error().what();
    EXPECT_EQ(net->user_data->bytes, "from the net");
    EXPECT_EQ(net->user_data->from, "http://" + server.address() + "/u");
    EXPECT_EQ(net->instance_id, "");
    EXPECT_EQ(read({.platform = Platform::url, .url = "file://" + directory_ / "plain"})->user_data->bytes,
              "from a file");
    read_error({.platform = Platform::url, .url = directory_ / "none"}, Kind::not_found);
    read_error({.platform = Platform::url, .url = "tftp://a/b"}, Kind::invalid);
}

TEST_F(MachinesTest, LayersOfSources) {
    const FakeServer server(testing::serve({{"/hetzner/v1/metadata", {.body = "instance-id: 42\nhostname: box\n"}},
                                            {"/mine", {.body = "#cloud-config\n# mine\n"}}}));
    endpoints_.hetzner = {"http://" + server.address()};
    write("config/user-data", "#cloud-config\n# file\n");
    Facts facts;
    facts.dmi.sys_vendor = "Hetzner";
    facts.file = true;
    facts.labels = {"cidata"};  // which is gone by the time that it is mounted
    facts.command_line = "diatom.config=http://" + server.address() + "/mine";
    const auto got = gathered(facts);
    ASSERT_TRUE(got) << got.error().what();
    ASSERT_EQ(got->instances.size(), 3U);
    EXPECT_EQ(got->instances[0].platform, Platform::file);
    EXPECT_EQ(got->instances[0].instance_id, "");
    EXPECT_EQ(got->instances[1].platform, Platform::hetzner);
    EXPECT_EQ(got->instances[1].instance_id, "42");
    EXPECT_EQ(got->instances[2].user_data->bytes, "#cloud-config\n# mine\n");
    EXPECT_THAT(got->warnings, ElementsAre(HasSubstr("nocloud (a file system is labelled cidata)")));
}

TEST_F(MachinesTest, NobodyIsAskedWhoIsNotThere) {
    const FakeServer server(testing::serve({}));
    const std::vector<std::string> all{"http://" + server.address()};
    endpoints_ = {.ec2 = all,
                  .openstack = all,
                  .gce = all,
                  .azure = all,
                  .azure_wireserver = all,
                  .digitalocean = all,
                  .hetzner = all};
    const auto got = gathered({});
    ASSERT_TRUE(got) << got.error().what();
    EXPECT_THAT(got->instances, IsEmpty());
    EXPECT_TRUE(server.requests().empty());
}

TEST_F(MachinesTest, WhatShouldBeThereAndIsNotIsAnError) {
    const FakeServer server([](const testing::FakeRequest&) -> testing::FakeResponse { return {.status = 500}; });
    endpoints_.hetzner = {"http://" + server.address()};
    Facts facts;
    facts.dmi.sys_vendor = "Hetzner";
    const auto got = gathered(facts);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind(), Kind::timed_out);
    EXPECT_THAT(got.error().what(), HasSubstr("hetzner (the vendor is Hetzner): ask http://"));
}

}  // namespace
}  // namespace diatom::platform
