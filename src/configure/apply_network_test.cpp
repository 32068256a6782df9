#include "base/json.h"
#include "configure/boot.h"
#include "configure/network.h"
#include "configure/testing/machine_fixture.h"
#include "machine/unconfirmed.h"

namespace diatom::configure {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Network = testing::MachineFixture;

constexpr const char* kConfig = "/run/diatom/network/config.json";
constexpr const char* kOwn = "/run/diatom/network/own.json";

TEST_F(Network, IsWrittenForTheServiceWithWhatItsCommandsFind) {
    EXPECT_THAT(apply("network: {interfaces: {eth0: {addresses: [192.0.2.7/24], up: [true]}}}\nenvironment: {A: b}"),
                IsEmpty());
    const auto written = parse_json(get(kConfig), kConfig);
    ASSERT_TRUE(written);
    EXPECT_EQ((*written)["network"]["interfaces"]["eth0"]["addresses"][0], "192.0.2.7/24");
    EXPECT_EQ((*written)["environment"]["A"], "b");
    EXPECT_EQ(sys::stat_path(at(kConfig))->st_mode & 07777U, 0600U);
}

TEST_F(Network, WhereNothingIsSaidNothingIsWritten) {
    EXPECT_THAT(apply("hostname: a"), IsEmpty());
    EXPECT_FALSE(sys::exists(at(kConfig)));
    EXPECT_THAT(apply("network: {dns: {servers: [192.0.2.1]}}"), IsEmpty());
    EXPECT_TRUE(sys::exists(at(kConfig)));
    EXPECT_THAT(apply("hostname: a", Phase::live), IsEmpty());
    EXPECT_FALSE(sys::exists(at(kConfig)));
}

TEST_F(Network, WhatTheMachinesOwnFileSaidIsRemembered) {
    ASSERT_TRUE(sys::make_dirs(at(machine::kConfigDir)));
    put("/var/lib/diatom/config/machine.yml", "hostname: a\nnetwork: {dns: {servers: [192.0.2.1]}}\n");
    EXPECT_TRUE(*write_network(testing::read("network: {dns: {servers: [192.0.2.9]}}"), root()));
    EXPECT_FALSE(*write_network(testing::read("network: {dns: {servers: [192.0.2.9]}}"), root()));
    EXPECT_EQ(get(kOwn), "{\"network\":{\"dns\":{\"servers\":[\"192.0.2.1\"]}}}\n");
}

TEST_F(Network, ABootTakesBackWhatNobodyConfirmed) {
    ASSERT_TRUE(sys::make_dirs(at(machine::kConfigDir)));
    put("/proc/cmdline", "quiet\n");
    put("/usr/share/diatom/machine.yml", "ssh: {enabled: false}\n");
    put("/var/lib/diatom/config/machine.yml", "network: {dns: {servers: [192.0.2.2]}}\n");
    ASSERT_TRUE(machine::Unconfirmed(at(machine::kConfigDir))
                    .begin(testing::read("network: {dns: {servers: [192.0.2.1]}}").at("network")));
    OutsideMeans means;
    means.facts = [] { return platform::Facts{}; };
    const auto said = configure_at_boot(means, root());
    EXPECT_THAT(said.warnings, ElementsAre(HasSubstr("before its network was confirmed")));
    EXPECT_THAT(said.problems, IsEmpty());
    EXPECT_THAT(get(kConfig), HasSubstr("192.0.2.1"));
    EXPECT_FALSE(machine::Unconfirmed(at(machine::kConfigDir)).exists());
}

}  // namespace
}  // namespace diatom::configure
