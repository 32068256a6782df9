#include "config/boot_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace diatom::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

TEST(BootConfig, SplitsAsTheKernelDoes) {
    const auto p = split_command_line("a  b=1 \"c=x y\" d=\"x y\" e=x\"y z\" f= -- g");
    ASSERT_EQ(p.size(), 6U);
    EXPECT_FALSE(p[0].value);
    EXPECT_EQ(p[2].key, "c");
    EXPECT_EQ(p[2].value, "x y");
    EXPECT_EQ(p[3].value, "x y");
    EXPECT_EQ(p[4].value, "x\"y z\"");
    EXPECT_EQ(p[5].value, "");
}

TEST(BootConfig, DefaultsWithoutKeys) {
    const auto c = decode_boot_config("console=ttyS0 quiet");
    EXPECT_EQ(c.state_label, "DIATOM_STATE");
    EXPECT_FALSE(c.state_named || c.autologin || c.recovery || c.tls || c.watchdog_s);
    EXPECT_THAT(c.warnings, IsEmpty());
}

TEST(BootConfig, DecodesEveryKey) {
    const auto c = decode_boot_config(
        "diatom.state=DATA diatom.state.autoformat=/dev/vda,/dev/sda diatom.autologin=ttyS0,/dev/tty1 diatom.recovery "
        "diatom.hostname=box-1.lan diatom.debug diatom.watchdog=30 diatom.registry.mirror=docker.io=m:5000 "
        "diatom.registry.mirror=quay.io=n diatom.registry.insecure=m:5000 diatom.tls=[::1]:2377 "
        "diatom.config=http://a/user-data diatom.platform=ec2 diatom.http_proxy=http://p:1 "
        "diatom.https_proxy=http://p:2 diatom.no_proxy=.lab.example,10.0.0.0/8");
    EXPECT_EQ(c.proxies, (Proxies{"http://p:1", "http://p:2", ".lab.example,10.0.0.0/8"}));
    EXPECT_EQ(c.config_url + " " + c.platform, "http://a/user-data ec2");
    EXPECT_EQ(c.state_label, "DATA");
    EXPECT_TRUE(c.state_named && c.autologin && c.recovery);
    EXPECT_THAT(c.autoformat, ElementsAre("/dev/vda", "/dev/sda"));
    EXPECT_THAT(c.autologin_terminals, ElementsAre("ttyS0", "tty1"));
    EXPECT_EQ(c.hostname, "box-1.lan");
    EXPECT_EQ(c.log_level, log::Level::debug);
    EXPECT_EQ(c.watchdog_s, 30U);
    EXPECT_THAT(c.mirrors, ElementsAre(Pair("docker.io", "m:5000"), Pair("quay.io", "n")));
    EXPECT_THAT(c.insecure_registries, ElementsAre("m:5000"));
    EXPECT_EQ(c.tls, (TlsAddress{"::1", 2377}));
    EXPECT_THAT(c.warnings, IsEmpty());
}

TEST(BootConfig, OffAndRancherAliases) {
    const auto c =
        decode_boot_config("diatom.state=off diatom.tls=off rancher.autologin rancher.state.autoformat=/dev/sdb");
    EXPECT_FALSE(c.state_label);
    EXPECT_TRUE(c.tls_off && c.autologin);
    EXPECT_THAT(c.autologin_terminals, IsEmpty());
    EXPECT_THAT(c.autoformat, ElementsAre("/dev/sdb"));
}

TEST(BootConfig, MistakesAreWarningsAndTheRestCounts) {
    const auto c =
        decode_boot_config("diatom.sate=off diatom.watchdog=0 diatom.hostname=-x rancher.password=p diatom.recovery=1");
    EXPECT_TRUE(c.recovery);
    ASSERT_EQ(c.warnings.size(), 3U);
    EXPECT_THAT(c.warnings[0], HasSubstr("did you mean \"diatom.state\"?"));
    EXPECT_THAT(c.warnings[1], HasSubstr("seconds from 1 to 3600"));
}

}  // namespace
}  // namespace diatom::config
