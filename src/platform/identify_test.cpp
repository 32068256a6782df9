#include "platform/identify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.h"

namespace diatom::platform {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> names(const std::vector<Candidate>& candidates) {
    std::vector<std::string> names;
    for (const auto& candidate : candidates) names.emplace_back(to_string(candidate.platform));
    return names;
}
std::vector<std::string> platforms(const Facts& facts) { return names(identify(facts).platform); }

struct Machine {
    const char* what;
    Dmi dmi;
    std::vector<std::string> platforms;
    std::string cloud;
};

TEST(Identify, EachPlatformByItsFirmware) {
    const std::vector<Machine> machines{
        {"Nitro",
         {.sys_vendor = "Amazon EC2",
          .product_name = "t3.micro",
          .product_serial = "ec2f3a4b-0000-1111-2222-333344445555",
          .product_uuid = "ec2f3a4b-0000-1111-2222-333344445555"},
         {"ec2"},
         "aws"},
        {"Xen of Amazon, without a vendor of its own",
         {.sys_vendor = "Xen",
          .product_serial = "ec2f3a4b-0000-1111-2222-333344445555",
          .product_uuid = "EC2F3A4B-0000-1111-2222-333344445555"},
         {"ec2"},
         "aws"},
        {"a UUID that begins so by chance",
         {.sys_vendor = "QEMU", .product_serial = "1", .product_uuid = "ec2f3a4b-0000-1111-2222-333344445555"},
         {},
         ""},
        {"Brightbox", {.sys_vendor = "QEMU", .product_serial = "srv-otuxg.gb1.brightbox.com"}, {"ec2"}, "brightbox"},
        {"not Brightbox", {.product_serial = "srv-otuxg.gb1.brightboxXcom"}, {}, ""},
        {"ZStack", {.chassis_asset_tag = "123456.zstack.io"}, {"ec2"}, "zstack"},
        {"e24cloud", {.sys_vendor = "e24cloud"}, {"ec2"}, "e24cloud"},
        {"Outscale", {.sys_vendor = "3DS Outscale", .product_name = "3DS Outscale VM"}, {"ec2"}, "outscale"},
        {"only half of Outscale", {.sys_vendor = "3DS Outscale", .product_name = "Other"}, {}, ""},
        {"Google", {.sys_vendor = "Google", .product_name = "Google Compute Engine"}, {"gce"}, "google"},
        {"Google by serial number", {.product_serial = "GoogleCloud-8F2E88F2E9"}, {"gce"}, "google"},
        {"Azure",
         {.sys_vendor = "Microsoft Corporation",
          .product_name = "Virtual Machine",
          .chassis_asset_tag = "7783-7084-3265-9085-8269-3286-77"},
         {"azure"},
         "azure"},
        {"Hyper-V at home", {.sys_vendor = "Microsoft Corporation", .product_name = "Virtual Machine"}, {}, ""},
        {"DigitalOcean", {.sys_vendor = "DigitalOcean", .product_name = "Droplet"}, {"digitalocean"}, "digitalocean"},
        {"Hetzner", {.sys_vendor = "Hetzner", .product_name = "vServer"}, {"hetzner"}, "hetzner"},
        {"OpenStack",
         {.sys_vendor = "OpenStack Foundation", .product_name = "OpenStack Nova"},
         {"openstack"},
         "openstack"},
        {"RDO", {.sys_vendor = "RDO", .product_name = "OpenStack Compute"}, {"openstack"}, "openstack"},
        {"Huawei", {.chassis_asset_tag = "HUAWEICLOUD"}, {"openstack"}, "openstack"},
        {"Open Telekom Cloud", {.chassis_asset_tag = "OpenTelekomCloud"}, {"openstack"}, "openstack"},
        {"SAP", {.sys_vendor = "VMware, Inc.", .chassis_asset_tag = "SAP CCloud VM"}, {"openstack"}, "openstack"},
        {"VMware",
         {.sys_vendor = "VMware, Inc.", .product_name = "VMware7,1", .product_serial = "VMware-42 3c"},
         {"vmware"},
         "vmware"},
        {"QEMU", {.sys_vendor = "QEMU", .product_name = "Standard PC (Q35 + ICH9, 2009)"}, {}, ""},
        {"a server", {.sys_vendor = "Dell Inc.", .product_name = "PowerEdge R640", .product_serial = "ABC"}, {}, ""},
        {"nothing", {}, {}, ""},
    };
    for (const auto& machine : machines) {
        Facts facts;
        facts.dmi = machine.dmi;
        const auto plan = identify(facts);
        EXPECT_EQ(names(plan.platform), machine.platforms) << machine.what;
        if (!plan.platform.empty()) {
            EXPECT_EQ(plan.platform.front().cloud, machine.cloud) << machine.what;
        }
    }
}

TEST(Identify, XenByItsHypervisor) {
    Facts facts;
    facts.hypervisor_uuid = "ec2e1916-9099-7caf-fd21-012345abcdef";
    EXPECT_THAT(platforms(facts), ElementsAre("ec2"));
}

TEST(Identify, FileSystemsByLabelInAnyCase) {
    for (const auto* label : {"cidata", "CIDATA"}) {
        Facts facts;
        facts.labels = {"DIATOM_STATE", label};
        const auto plan = identify(facts);
        ASSERT_THAT(names(plan.platform), ElementsAre("nocloud"));
        EXPECT_EQ(plan.platform[0].label, label);
    }
    Facts facts;
    facts.labels = {"CONFIG-2"};
    EXPECT_THAT(platforms(facts), ElementsAre("config-drive"));
    facts.labels = {"my-cidata", "config-3"};
    EXPECT_THAT(platforms(facts), IsEmpty());
}

TEST(Identify, AzureAndVmwareHaveADisc) {
    Facts facts;
    facts.labels = {"rd_rdfe_stable.170615-1100"};
    EXPECT_THAT(platforms(facts), IsEmpty());
    facts.dmi.chassis_asset_tag = "7783-7084-3265-9085-8269-3286-77";
    EXPECT_EQ(identify(facts).platform[0].label, "rd_rdfe_stable.170615-1100");
    Facts vmware;
    vmware.dmi.sys_vendor = "VMware, Inc.";
    vmware.labels = {"OVF ENV"};
    EXPECT_EQ(identify(vmware).platform[0].label, "OVF ENV");
}

TEST(Identify, TheNearestComesFirst) {
    Facts facts;
    facts.dmi = {.sys_vendor = "OpenStack Foundation", .product_name = "OpenStack Nova"};
    facts.labels = {"config-2", "cidata"};
    facts.firmware_items = {"opt/com.coreos/config"};
    EXPECT_THAT(platforms(facts), ElementsAre("firmware", "nocloud", "config-drive", "openstack"));
}

TEST(Identify, TheSerialNumberNamesASeed) {
    Facts facts;
    facts.dmi.product_serial = "ds=nocloud;s=http://10.0.2.2/;h=web";
    facts.labels = {"cidata"};
    const auto plan = identify(facts);
    ASSERT_THAT(names(plan.platform), ElementsAre("nocloud", "nocloud"));
    EXPECT_EQ(plan.platform[0].seed.from, "http://10.0.2.2/");
    EXPECT_EQ(plan.platform[0].label, "cidata");
}

TEST(Identify, OtherItemsOfTheFirmwareAreNotOurs) {
    Facts facts;
    facts.firmware_items = {"opt/ovmf/X-PciMmio64Mb", "opt/io.systemd.credentials/other"};
    EXPECT_THAT(platforms(facts), IsEmpty());
}

TEST(Identify, TheCommandLineChooses) {
    Facts facts;
    facts.dmi.sys_vendor = "DigitalOcean";
    facts.labels = {"cidata"};
    facts.command_line = "diatom.platform=ec2";
    const auto plan = identify(facts);
    ASSERT_THAT(names(plan.platform), ElementsAre("ec2"));
    EXPECT_THAT(plan.platform[0].reason, HasSubstr("diatom.platform=ec2"));
    facts.command_line = "ds=nocloud";
    EXPECT_THAT(platforms(facts), ElementsAre("nocloud", "nocloud"));
    EXPECT_EQ(identify(facts).platform[0].label, "cidata");
    facts.command_line = "cloud-init=disabled";
    EXPECT_THAT(platforms(facts), IsEmpty());
}

TEST(Identify, FileAndUrlsAreNoPlatform) {
    Facts facts;
    facts.file = true;
    facts.dmi.sys_vendor = "Hetzner";
    facts.command_line = "diatom.config=http://a/mine cloud-config-url=http://a/cloud";
    const auto plan = identify(facts);
    EXPECT_THAT(names(plan.below), ElementsAre("file"));
    EXPECT_THAT(names(plan.platform), ElementsAre("hetzner"));
    ASSERT_THAT(names(plan.above), ElementsAre("url", "url"));
    EXPECT_EQ(plan.above[0].url, "http://a/cloud");
    EXPECT_EQ(plan.above[1].url, "http://a/mine");
}

TEST(Facts, AreReadFromSys) {
    const test::TempDir directory;
    const auto write = [&](const std::string& path, const std::string& text) {
        const std::filesystem::path full = directory / path;
        std::filesystem::create_directories(full.parent_path());
        std::ofstream(full) << text;
    };
    write("dmi/sys_vendor", "Hetzner\n");
    write("dmi/product_serial", "  4711 \n");
    write("cmdline", "quiet ds=nocloud\n");
    write("labels/cidata", "");
    write("labels/OVF\\x20ENV", "");
    write("labels/odd\\xzz", "");
    write("fw/by_key/35/raw", "{}");
    std::filesystem::create_directories(directory / "fw/by_name/opt/com.coreos");
    std::filesystem::create_directory_symlink("../../../by_key/35", directory / "fw/by_name/opt/com.coreos/config");
    const auto facts = read_facts({.dmi = directory / "dmi",
                                   .hypervisor = directory / "none",
                                   .command_line = directory / "cmdline",
                                   .labels = directory / "labels",
                                   .firmware = directory / "fw/by_name",
                                   .file = directory / "user-data"});
    EXPECT_EQ(facts.dmi.sys_vendor, "Hetzner");
    EXPECT_EQ(facts.dmi.product_serial, "4711");
    EXPECT_EQ(facts.dmi.product_name, "");
    EXPECT_EQ(facts.command_line, "quiet ds=nocloud");
    EXPECT_THAT(facts.labels, ::testing::UnorderedElementsAre("cidata", "OVF ENV", "odd\\xzz"));
    EXPECT_THAT(facts.firmware_items, ElementsAre("opt/com.coreos/config"));
    EXPECT_FALSE(facts.file);
}

}  // namespace
}  // namespace diatom::platform
