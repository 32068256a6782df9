#include "platform/parameters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace diatom::platform {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Parameters, NothingIsSaidByDefault) {
    const auto p = parse_parameters("console=ttyS0 quiet ds dsx=1 -- diatom.config=http://a/");
    EXPECT_TRUE(p.config_url.empty() && p.cloud_config_url.empty() && p.ignition_url.empty());
    EXPECT_FALSE(p.platform || p.seed || p.ignition_first_boot);
    EXPECT_THAT(p.warnings, ElementsAre(HasSubstr("ds= is ignored")));
}

TEST(Parameters, ReadsEverybodysWords) {
    const auto p = parse_parameters(
        "diatom.config=http://a/1 cloud-config-url=http://a/2 ignition.config.url=http://a/3 ignition.firstboot "
        "ignition.platform.id=gcp");
    EXPECT_EQ(p.config_url, "http://a/1");
    EXPECT_EQ(p.cloud_config_url, "http://a/2");
    EXPECT_EQ(p.ignition_url, "http://a/3");
    EXPECT_TRUE(p.ignition_first_boot);
    EXPECT_EQ(p.platform, Platform::gce);
    EXPECT_EQ(p.chosen_by, "ignition.platform.id=gcp");
    EXPECT_FALSE(parse_parameters("ignition.firstboot=0").ignition_first_boot);
}

TEST(Parameters, KnowsNobodyToAsk) {
    for (const auto* line : {"cloud-init=disabled", "diatom.platform=none", "ds=None", "ignition.platform.id=metal"}) {
        EXPECT_EQ(parse_parameters(line).platform, Platform::none) << line;
    }
    EXPECT_FALSE(parse_parameters("cloud-init=enabled").platform);
}

TEST(Parameters, WarnsOfAnUnknownPlatform) {
    const auto p = parse_parameters("diatom.platform=ec3");
    EXPECT_FALSE(p.platform);
    EXPECT_THAT(p.warnings, ElementsAre(HasSubstr("diatom.platform=ec3 is ignored")));
}

TEST(Parameters, ReadsASeedInBothNames) {
    for (const auto* name : {"nocloud", "nocloud-net", "NoCloud"}) {
        const auto p = parse_parameters(std::string("ds=\"") + name + ";s=http://10.0.2.2:8000/x/;h=web-1;i=iid-7\"");
        ASSERT_TRUE(p.seed) << name;
        EXPECT_EQ(p.seed->from, "http://10.0.2.2:8000/x/");
        EXPECT_EQ(p.seed->hostname, "web-1");
        EXPECT_EQ(p.seed->instance_id, "iid-7");
        EXPECT_EQ(p.platform, Platform::nocloud);
        EXPECT_THAT(p.warnings, IsEmpty());
    }
    const auto longer = parse_nocloud("ds=nocloud;seedfrom=file:///seed/;local-hostname=a;instance-id=b;odd;k=v");
    ASSERT_TRUE(longer);
    EXPECT_EQ(longer->from, "/seed/");
    EXPECT_EQ(longer->hostname + longer->instance_id, "ab");
    EXPECT_FALSE(parse_nocloud("ds=ec2"));
    EXPECT_FALSE(parse_nocloud("VMware-42 ds=nocloud"));
    EXPECT_FALSE(parse_nocloud(""));
}

}  // namespace
}  // namespace diatom::platform
