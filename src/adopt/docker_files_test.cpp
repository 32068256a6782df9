#include "adopt/docker_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adopt/bolt.h"
#include "sys/file.h"

namespace diatom::adopt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

// Databases that bbolt has written, each behind a letter that says to the fuzzer what it is.
std::string database(const std::string& name) {
    return sys::read_file(DIATOM_SOURCE_DIR "/tests/fuzz/corpus/docker_files_fuzz/" + name).value().substr(1);
}

TEST(Metadata, VolumesHaveTheirLabelsAndOptions) {
    const auto volumes = read_volume_metadata(database("metadata"));
    ASSERT_TRUE(volumes) << volumes.error().what();
    ASSERT_THAT(*volumes, SizeIs(3));
    EXPECT_THAT(volumes->at("db").labels, ElementsAre(Pair("com.example.tier", "data"), Pair("owner", "alice")));
    EXPECT_FALSE(volumes->at("db").is_mount());
    EXPECT_THAT(volumes->at("share").options,
                ElementsAre(Pair("device", "tmpfs"), Pair("o", "size=1m"), Pair("type", "tmpfs")));
    EXPECT_TRUE(volumes->at("share").is_mount());
    EXPECT_EQ(volumes->at("elsewhere").driver, "rexray");
}

TEST(Metadata, ATreeOfPagesIsReadToItsEnd) {
    const auto volumes = read_volume_metadata(database("metadata_branches"));
    ASSERT_TRUE(volumes) << volumes.error().what();
    ASSERT_THAT(*volumes, SizeIs(63));
    for (int i = 0; i < 60; ++i)
        EXPECT_EQ(volumes->at(std::format("volume-{:03}", i)).labels.at("number"), std::to_string(i));
}

TEST(Metadata, OneTornHeadIsNoLoss) {
    const auto volumes = read_volume_metadata(database("metadata_torn"));
    ASSERT_TRUE(volumes) << volumes.error().what();
    // The other one may be a transaction older.
    EXPECT_TRUE(volumes->contains("db"));
}

TEST(Metadata, DamageIsSaid) {
    const auto whole = database("metadata");
    EXPECT_EQ(read_bolt_bucket("", "volumes").error().kind(), Kind::corrupt);
    EXPECT_EQ(read_bolt_bucket(whole, "networks").error().kind(), Kind::not_found);
    EXPECT_EQ(read_bolt_bucket(database("bolt_short"), "volumes").error().kind(), Kind::corrupt);
    EXPECT_EQ(read_bolt_bucket(database("bolt_round"), "volumes").error().kind(), Kind::corrupt);
    auto without = whole;
    for (const std::size_t at : {16U + 56U, 4096U + 16U + 56U}) without[at] = static_cast<char>(without[at] ^ 1);
    EXPECT_THAT(read_bolt_bucket(without, "volumes").error().what(), HasSubstr("no Bolt database"));
}

TEST(Options, AreThoseOfVolumeCreate) {
    EXPECT_THAT(read_volume_options(R"({"MountType":"nfs","MountOpts":"addr=a","MountDevice":":/x"})").value(),
                ElementsAre(Pair("device", ":/x"), Pair("o", "addr=a"), Pair("type", "nfs")));
    EXPECT_THAT(read_volume_options(R"({"Quota":{"Size":1024}})").value(), ElementsAre(Pair("size", "1024")));
    EXPECT_THAT(read_volume_options("{}").value(), IsEmpty());
    EXPECT_THAT(read_volume_options(R"({"MountType":7})").error().what(), HasSubstr("MountType"));
}

TEST(Containers, HaveANameAndAnImage) {
    const auto container = read_container(R"({"Name":"/web","Config":{"Image":"nginx:1.19"}})");
    EXPECT_EQ(container->name, "web");
    EXPECT_EQ(container->image, "nginx:1.19");
    EXPECT_FALSE(read_container(R"({"Config":{}})"));
}

TEST(Images, AreNamedByTheirTags) {
    EXPECT_THAT(
        read_image_names(R"({"Repositories":{"b":{"b:1":"sha256:1","b@sha256:2":"sha256:1"},"a":{"a:2":""}}})").value(),
        ElementsAre("a:2", "b:1"));
    EXPECT_THAT(read_image_names("{}").value(), IsEmpty());
}

}  // namespace
}  // namespace diatom::adopt
