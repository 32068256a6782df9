// What is on file systems and web servers: NoCloud, config drives, OpenStack's service.
#include <gmock/gmock.h>

#include "platform/openstack.h"
#include "platform/read.h"
#include "platform/testing/cloud_fixture.h"

namespace diatom::platform {
namespace {

using ::testing::ElementsAre;
using testing::FakeRequest;
using testing::FakeResponse;
using testing::FakeServer;
using ::testing::HasSubstr;
using testing::Pages;

class SeedsTest : public testing::CloudFixture {
protected:
    const Candidate cidata_{.platform = Platform::nocloud, .label = "cidata"};
    const Candidate drive_{.platform = Platform::config_drive, .label = "config-2"};
};

TEST_F(SeedsTest, AFileSystem) {
    write("cidata/meta-data",
          "instance-id: iid-1\nlocal-hostname: web-1\npublic-keys:\n- ssh-rsa AAAA\nx: {y: [1, yes]}\n");
    write("cidata/user-data", "#cloud-config\n");
    write("cidata/vendor-data", "#cloud-config\n# v\n");
    write("cidata/network-config", "version: 2\n");
    const auto got = read(cidata_);
    ASSERT_TRUE(got) << got.error().what();
    EXPECT_EQ(got->instance_id, "iid-1");
    EXPECT_EQ(got->hostname, "web-1");
    EXPECT_EQ(got->cloud, "nocloud");
    EXPECT_THAT(got->public_keys, ElementsAre("ssh-rsa AAAA"));
    EXPECT_EQ(got->user_data->from, "user-data on cidata");
    EXPECT_EQ(got->vendor_data.at(0).bytes, "#cloud-config\n# v\n");
    EXPECT_EQ(got->network_config->bytes, "version: 2\n");
    EXPECT_EQ(got->metadata["x"]["y"][0], 1);
    EXPECT_EQ(got->origins.at("hostname"), "meta-data on cidata");
}

TEST_F(SeedsTest, UserDataAloneWillDo) {
    write("cidata/user-data", "#!/bin/sh\n");
    const auto got = read(cidata_);
    ASSERT_TRUE(got) << got.error().what();
    EXPECT_EQ(got->instance_id, "nocloud");
    EXPECT_EQ(got->user_data->bytes, "#!/bin/sh\n");
    std::filesystem::remove(directory_ / "cidata/user-data");
    read_error(cidata_, Kind::not_found);
}

TEST_F(SeedsTest, LinksCannotLeadOut) {
    write("outside", "secret");
    write("cidata/meta-data", "instance-id: a\n");
    std::filesystem::create_symlink(directory_ / "outside", directory_ / "cidata/user-data");
    std::filesystem::create_symlink("../outside", directory_ / "cidata/vendor-data");
    const auto got = read(cidata_);
    ASSERT_TRUE(got) << got.error().what();
    EXPECT_FALSE(got->user_data);
    EXPECT_TRUE(got->vendor_data.empty());
    std::filesystem::remove(directory_ / "cidata/user-data");
    std::filesystem::create_directory(directory_ / "cidata/user-data");
    EXPECT_THAT(read_error(cidata_, Kind::invalid), HasSubstr("is no file"));
}

TEST_F(SeedsTest, AMistakeInMetaDataIsToldWithoutIt) {
    write("cidata/meta-data", "password: [hunter2\n");
    const auto error = read_error(cidata_, Kind::invalid);
    EXPECT_THAT(error, ::testing::AllOf(HasSubstr("meta-data on cidata"), ::testing::Not(HasSubstr("hunter2"))));
}

TEST_F(SeedsTest, AServerThatTheCommandLineNames) {
    facts_.dmi.chassis_serial = "SN7";
    const FakeServer server(testing::serve({{"/SN7/meta-data", {.body = "instance-id: net-1\nlocal-hostname: a\n"}},
                                            {"/SN7/user-data", {.body = "#cloud-config\n"}}}));
    const auto base = "http://" + server.address() + "/__dmi.chassis-serial-number__/";
    const auto got = read({.platform = Platform::nocloud, .seed = {.from = base, .hostname = "b", .instance_id = ""}});
    ASSERT_TRUE(got) << got.error().what();
    EXPECT_EQ(got->instance_id, "net-1");
    EXPECT_EQ(got->hostname, "b");
    EXPECT_EQ(got->origins.at("hostname"), "the seed's h=");
    EXPECT_EQ(got->user_data->from, "http://" + server.address() + "/SN7/user-data");
    EXPECT_TRUE(got->vendor_data.empty());
    const FakeServer empty(testing::serve({}));
    const auto away = "http://" + empty.address() + "/";
    EXPECT_THAT(read_error({.platform = Platform::nocloud, .seed = {.from = away}}, Kind::io),
                HasSubstr("has no meta-data"));
}

TEST_F(SeedsTest, AFileSystemThatNamesAServer) {
    const FakeServer server(
        testing::serve({{"/meta-data", {.body = "instance-id: net-1\n"}}, {"/user-data", {.body = "from the net"}}}));
    write("cidata/meta-data", "seedfrom: http://" + server.address() + "/\nlocal-hostname: local\n");
    write("cidata/user-data", "from the disc");
    const auto got = read(cidata_);
    ASSERT_TRUE(got) << got.error().what();
    EXPECT_EQ(got->instance_id + got->hostname, "net-1local");
    EXPECT_EQ(got->user_data->bytes, "from the net");
}

TEST_F(SeedsTest, NamesOnTheCommandLineWithoutASeed) {
    const auto got = read({.platform = Platform::nocloud, .seed = {.from = "", .hostname = "h", .instance_id = "i"}});
    ASSERT_TRUE(got) << got.error().what();
    EXPECT_EQ(got->hostname + got->instance_id, "hi");
    write("seed/meta-data", "instance-id: from-directory\n");
    EXPECT_EQ(read({.platform = Platform::nocloud, .seed = {.from = directory_ / "seed"}})->instance_id,
              "from-directory");
}

constexpr const char* kMetaData = R"({"uuid":"d8e02d56","hostname":"web.novalocal","name":"web","availability_zone":
"nova","admin_pass":"hunter2","random_seed":"AAAA","public_keys":{"mykey":"ssh-rsa AAAA\n"},"keys":[{"data":
"ssh-ed25519 BBBB","name":"k","type":"ssh"},{"data":"-----BEGIN","name":"x","type":"x509"}],"meta":{"role":"db"}})";

void expect_openstack(const Instance& instance) {
    EXPECT_EQ(instance.instance_id, "d8e02d56");
    EXPECT_EQ(instance.hostname, "web.novalocal");
    EXPECT_EQ(instance.zone, "nova");
    EXPECT_THAT(instance.public_keys, ElementsAre("ssh-rsa AAAA", "ssh-ed25519 BBBB"));
    EXPECT_EQ(instance.metadata["meta"]["role"], "db");
    EXPECT_FALSE(instance.metadata.contains("admin_pass") || instance.metadata.contains("random_seed"));
    EXPECT_EQ(instance.user_data->bytes, "#cloud-config\n");
    ASSERT_EQ(instance.vendor_data.size(), 2U);
    EXPECT_EQ(instance.vendor_data[0].bytes, "#cloud-config\n# 1\n");
    EXPECT_EQ(instance.vendor_data[1].bytes, "#cloud-config\n# 2\n");
    EXPECT_EQ(instance.network_form, NetworkForm::openstack);
    EXPECT_EQ(instance.network_config->bytes, "{\"links\":[]}");
}

TEST_F(SeedsTest, AConfigDrive) {
    write("config-2/openstack/latest/meta_data.json", kMetaData);
    write("config-2/openstack/latest/user_data", "#cloud-config\n");
    write("config-2/openstack/latest/vendor_data.json", R"("#cloud-config\n# 1\n")");
    write("config-2/openstack/latest/vendor_data2.json", R"({"cloud-init":"#cloud-config\n# 2\n"})");
    write("config-2/openstack/latest/network_data.json", "{\"links\":[]}");
    const auto got = read(drive_);
    ASSERT_TRUE(got) << got.error().what();
    expect_openstack(*got);
}

TEST_F(SeedsTest, ProxmoxsConfigDrive) {
    write("config-2/openstack/latest/meta_data.json",
          R"({"uuid":"1","network_config":{"content_path":"/content/0000"}})");
    write("config-2/openstack/latest/vendor_data.json", "not json");
    write("config-2/openstack/content/0000", "auto lo\niface lo inet loopback\n");
    const auto got = read(drive_);
    ASSERT_TRUE(got) << got.error().what();
    EXPECT_EQ(got->network_form, NetworkForm::debian_interfaces);
    EXPECT_EQ(got->network_config->from, "openstack//content/0000 on config-2");
    EXPECT_THAT(got->warnings, ElementsAre(HasSubstr("vendor_data.json")));
}

TEST_F(SeedsTest, AConfigDriveOfEc2Alone) {
    write(
        "config-2/ec2/latest/meta-data.json",
        R"({"instance-id":"i-7","local-hostname":"a","public-keys":{"0":["ssh-rsa AAAA"]},"placement":{"availability-zone":"z"}})");
    write("config-2/ec2/latest/user-data", "x");
    const auto got = read(drive_);
    ASSERT_TRUE(got) << got.error().what();
    EXPECT_EQ(got->instance_id + got->zone, "i-7z");
    EXPECT_THAT(got->public_keys, ElementsAre("ssh-rsa AAAA"));
    EXPECT_EQ(got->user_data->bytes, "x");
    std::filesystem::remove_all(directory_ / "config-2/ec2");
    read_error(drive_, Kind::not_found);
}

TEST_F(SeedsTest, OpenStacksService) {
    const FakeServer server(
        testing::serve({{"/openstack", {.body = "2012-08-10\n2018-08-27\nlatest"}},
                        {"/openstack/latest/meta_data.json", {.body = kMetaData}},
                        {"/openstack/latest/user_data", {.body = "#cloud-config\n"}},
                        {"/openstack/latest/vendor_data.json", {.body = R"({"cloud-init":["#cloud-config\n# 1\n"]})"}},
                        {"/openstack/latest/vendor_data2.json", {.body = R"("#cloud-config\n# 2\n")"}},
                        {"/openstack/latest/network_data.json", {.body = "{\"links\":[]}"}}}));
    endpoints_.openstack = {"http://" + server.address()};
    const auto got = read({.platform = Platform::openstack});
    ASSERT_TRUE(got) << got.error().what();
    expect_openstack(*got);
    const FakeServer other(testing::serve({}));
    endpoints_.openstack = {"http://" + other.address()};
    read_error({.platform = Platform::openstack}, Kind::not_found);
}

TEST_F(SeedsTest, VendorDataInEveryShape) {
    EXPECT_TRUE(openstack_vendor_data("{}", "v")->empty());
    EXPECT_TRUE(openstack_vendor_data("null", "v")->empty());
    EXPECT_TRUE(openstack_vendor_data(R"({"other":"x"})", "v")->empty());
    EXPECT_EQ(openstack_vendor_data(R"(["a","b",1])", "v")->size(), 2U);
    EXPECT_FALSE(openstack_vendor_data("{", "v"));
}

TEST(Read, Keys) {
    EXPECT_THAT(public_keys(Json("ssh-rsa A\n# no\nno key\nssh-rsa A\nno-pty ssh-ed25519 B")),
                ElementsAre("ssh-rsa A", "no-pty ssh-ed25519 B"));
    EXPECT_THAT(public_keys(Json({{"a", "ssh-rsa A"}, {"b", {"ssh-rsa B", 1}}})),
                ElementsAre("ssh-rsa A", "ssh-rsa B"));
    EXPECT_TRUE(public_keys(Json(7)).empty());
    EXPECT_TRUE(public_keys(Json("ssh-rsa A\x01 B")).empty());
}

TEST(Read, Encodings) {
    EXPECT_EQ(maybe_base64("I2Ns\nb3Vk"), "#cloud");
    EXPECT_EQ(maybe_base64("#cloud-config"), "#cloud-config");
    EXPECT_EQ(decode_as("aGk=", "b64", "x").value_or(""), "hi");
    EXPECT_EQ(decode_as("H4sIAAAAAAAAA8tIzcnJBwCGphA2BQAAAA==", "gzip+base64", "x").value_or(""), "hello");
    for (const auto* damaged : {"H4sIAAAAAAAAA8tIzcnJBwCGphE2BQAAAA==", "H4sIAAAAAAAAA8tIzcnJBw=="}) {
        EXPECT_EQ(decode_as(damaged, "gzip+base64", "x").error().kind(), Kind::corrupt) << damaged;
    }
    EXPECT_EQ(decode_as("aGk=", "gz+b64", "x").error().kind(), Kind::corrupt);
    EXPECT_EQ(decode_as("x", "rot13", "x").error().kind(), Kind::unsupported);
    EXPECT_EQ(decode_as("", "base64", "x").value_or("?"), "");
}

}  // namespace
}  // namespace diatom::platform
