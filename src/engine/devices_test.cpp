// docker run --device: what is found on the host, and what a container then has.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "engine/spec_devices.h"
#include "engine/testing/fixture.h"
#include "tests/support/temp_dir.h"

namespace diatom::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Devices, OneNodeUnderItsOwnNameOrAnother) {
    const auto found = find_devices({.host = "/dev/full", .inside = {}});
    ASSERT_TRUE(found) << found.error().what();
    ASSERT_EQ(found->size(), 1U);
    EXPECT_EQ(found->front().path, "/dev/full");
    EXPECT_EQ(found->front().type, 'c');
    EXPECT_EQ(found->front().major, 1);
    EXPECT_EQ(found->front().minor, 7);
    EXPECT_EQ(find_devices({.host = "/dev/full", .inside = "/dev/other"})->front().path, "/dev/other");
}

TEST(Devices, LinksLeadToTheDevice) {
    const test::TempDir temp;
    ASSERT_EQ(::symlink("/dev/zero", (temp / "link").c_str()), 0);
    const auto found = find_devices({.host = temp / "link", .inside = "/dev/z"});
    ASSERT_TRUE(found) << found.error().what();
    EXPECT_EQ(found->front().path, "/dev/z");
    EXPECT_EQ(found->front().minor, 5);
}

TEST(Devices, ADirectoryGivesTheNodesBelowIt) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: mknod";
    const test::TempDir temp;
    ASSERT_TRUE(sys::make_dirs(temp / "d/inner"));
    ASSERT_TRUE(sys::write_file(temp / "d/file", "x"));
    ASSERT_EQ(::mknod((temp / "d/disk").c_str(), S_IFBLK | 0640, makedev(7, 200)), 0);
    ASSERT_EQ(::mknod((temp / "d/inner/port").c_str(), S_IFCHR | 0600, makedev(4, 65)), 0);
    auto found = find_devices({.host = temp / "d", .inside = "/dev/d"});
    ASSERT_TRUE(found) << found.error().what();
    std::ranges::sort(*found, {}, &runtime::Device::path);
    ASSERT_EQ(found->size(), 2U);
    EXPECT_EQ((*found)[0].path, "/dev/d/disk");
    EXPECT_EQ((*found)[0].type, 'b');
    EXPECT_EQ((*found)[0].minor, 200);
    EXPECT_EQ((*found)[0].mode, 0640U);
    EXPECT_EQ((*found)[1].path, "/dev/d/inner/port");
    EXPECT_EQ((*found)[1].type, 'c');
}

TEST(Devices, WhatIsNoneIsRefusedInDockersWords) {
    const test::TempDir temp;
    ASSERT_TRUE(sys::write_file(temp / "file", "x"));
    ASSERT_TRUE(sys::make_dirs(temp / "empty"));
    for (const auto& [name, why] :
         {std::pair{"missing", "No such file"}, {"file", "not a device node"}, {"empty", "holds no device node"}}) {
        const auto found = find_devices({.host = temp / name, .inside = {}});
        ASSERT_FALSE(found) << name;
        EXPECT_EQ(found.error().kind(), Kind::invalid);
        EXPECT_THAT(found.error().what(), HasSubstr("error gathering device information"));
        EXPECT_THAT(found.error().what(), HasSubstr(why));
    }
}

TEST(Devices, RulesAllowWhatWasAskedFor) {
    ContainerConfig config;
    config.devices = {{.host = "/dev/full", .inside = "/dev/null", .access = "r"}};
    auto spec = runtime::default_spec();
    const auto before = spec.resources.devices.size();
    ASSERT_TRUE(apply_devices(spec, config));
    ASSERT_EQ(spec.resources.devices.size(), before + 1);
    const auto& rule = spec.resources.devices.back();
    EXPECT_TRUE(rule.allow);
    EXPECT_EQ(rule.type, 'c');
    EXPECT_EQ(rule.minor, 7);
    EXPECT_EQ(rule.access, "r");
    std::vector<std::int64_t> minors;
    for (const auto& device : spec.devices) {
        if (device.path == "/dev/null") minors.push_back(device.minor);
    }
    EXPECT_THAT(minors, ElementsAre(7)) << "in place of the one that every container has";

    config.privileged = true;
    auto privileged = runtime::default_spec();
    runtime::make_privileged(privileged);
    ASSERT_TRUE(apply_devices(privileged, config));
    EXPECT_TRUE(privileged.resources.devices.empty()) << "everything is allowed";
}

using DevicesInContainer = testing::EngineTest;

TEST_F(DevicesInContainer, TheNodeIsThere) {
    const auto text = run_to_end({"sh", "-c", "ls -l /dev/sub/mine; head -c 3 /dev/sub/mine | od -An -tx1"},
                                 {.devices = {{.host = "/dev/zero", .inside = "/dev/sub/mine"}}});
    EXPECT_TRUE(text.contains("1,   5")) << text;
    EXPECT_TRUE(text.contains("00 00 00")) << text;
}

TEST_F(DevicesInContainer, AMissingOneEndsTheStart) {
    const auto id = create({"true"}, {.devices = {{.host = "/dev/no-such", .inside = {}}}});
    const auto started = run(engine().start(id));
    ASSERT_FALSE(started);
    EXPECT_THAT(started.error().what(), HasSubstr("custom device \"/dev/no-such\""));
}

}  // namespace
}  // namespace diatom::engine
