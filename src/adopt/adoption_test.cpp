// A RancherOS and a machine in directories, and an engine that only remembers.
#include "adopt/adoption.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <stdexcept>

#include "machine/store.h"
#include "sys/file.h"
#include "tests/support/fd_leak.h"
#include "tests/support/temp_dir.h"

namespace diatom::adopt {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr const char* kDocker = "/var/lib/user-docker";

struct AdoptionTest : testing::Test {
    void SetUp() override {
        put("old/var/lib/rancher/conf/cloud-config.d/boot.yml",
            "#cloud-config\nhostname: first\n"
            "ssh_authorized_keys: [ssh-ed25519 AAAA me]\n");
        put("old/var/lib/rancher/conf/cloud-config.yml",
            "hostname: edge-7\nrancher:\n  sysctl: {vm.swappiness: 7}\n  modules: [btrfs]\n");
        std::string bytes = sys::read_file(DIATOM_SOURCE_DIR "/tests/fuzz/corpus/docker_files_fuzz/metadata").value();
        put(old("/volumes/metadata.db"), bytes.substr(1));
        put(old("/volumes/db/_data/sub/table"), "rows");
        ASSERT_EQ(::chown((temp_ / old("/volumes/db/_data/sub")).c_str(), 999, 998), 0);
        put(old("/volumes/plain/_data/file"), "plain");
        put(old("/volumes/share/opts.json"), "{}");
        put(old("/containers/abc/config.v2.json"), R"({"Name":"/web","Config":{"Image":"nginx:1.19"}})");
        put(old("/image/overlay2/repositories.json"), R"({"Repositories":{"nginx":{"nginx:1.19":"sha256:1"}}})");
        put("old/home/rancher/.profile", "old");
        put("old/opt/app/data", "app");
        put("state/config/machine.yml", "time: {zone: Europe/Berlin}\nhostname: new\n");
        put("state/opt/mine/file", "mine");
        put("state/user/volumes/here/_data/file", "here");
        known_["here"] = {.name = "here"};
    }

    static std::string old(const std::string& path) { return std::string("old") + kDocker + path; }
    void put(const std::string& path, const std::string& text) const {
        const auto file = temp_ / path;
        ASSERT_TRUE(sys::make_dirs(file.substr(0, file.rfind('/'))));
        ASSERT_TRUE(sys::write_file(file, text));
    }
    std::string get(const std::string& path) const { return sys::read_file(temp_ / path).value_or("(nothing)"); }
    std::string own() const { return to_yaml(machine::Store(temp_ / "state/config").own().value()); }

    Adoption adoption() {
        return Adoption({.state = temp_ / "state",
                         .engine = {.volumes = [this]() -> Result<std::vector<std::string>> {
                                        step();
                                        std::vector<std::string> names;
                                        for (const auto& [name, volume] : known_) names.push_back(name);
                                        return names;
                                    },
                                    .users = [this](const std::string& name) -> Result<std::vector<std::string>> {
                                        return users_[name];
                                    },
                                    .create = [this](const OldVolume& volume) -> Result<void> {
                                        step();
                                        if (volume.name == refused_) return fail(Kind::unsupported, "refused");
                                        known_.try_emplace(volume.name, volume);
                                        return {};
                                    },
                                    .remove = [this](const std::string& name) -> Result<void> {
                                        step();
                                        known_.erase(name);
                                        return sys::remove_tree(temp_ / "state/user/volumes/" + name);
                                    }}});
    }
    OldDisk disk() const {
        return {
            .device = "/dev/old", .uuid = "1-2", .root = sys::open_path(temp_ / "old", O_RDONLY | O_DIRECTORY).value()};
    }
    Result<Offer> offer(const std::set<std::string>& without = {}) { return adoption().offer(disk(), without); }
    void take() {
        const auto offered = offer();
        ASSERT_TRUE(offered) << offered.error().what();
        const auto taken = adoption().take(*offered);
        ASSERT_TRUE(taken) << taken.error().what();
    }
    // The power is cut at the n-th thing that the engine is asked for.
    void step() {
        if (cut_after_ > 0 && --cut_after_ == 0) throw std::runtime_error("the power is cut");
    }

    void expect_taken() const {
        EXPECT_THAT(own(), AllOf(HasSubstr("edge-7"), HasSubstr("Europe/Berlin"), HasSubstr("ssh-ed25519 AAAA me")));
        EXPECT_EQ(get("state/user/volumes/db/_data/sub/table"), "rows");
        EXPECT_EQ(get("state/user/volumes/plain/_data/file"), "plain");
        EXPECT_EQ(get("state/home/rancher/.profile"), "old");
        EXPECT_EQ(get("state/opt/app/data"), "app");
        EXPECT_EQ(known_.size(), 4U);
    }
    void expect_as_before() const {
        EXPECT_EQ(own(), to_yaml(machine::read_document("time: {zone: Europe/Berlin}\nhostname: new\n", "x").value()));
        EXPECT_THAT(sys::list_dir(temp_ / "state/user/volumes").value(), ElementsAre("here"));
        EXPECT_EQ(get("state/user/volumes/here/_data/file"), "here");
        EXPECT_FALSE(sys::exists(temp_ / "state/home/rancher"));
        EXPECT_FALSE(sys::exists(temp_ / "state/opt/app"));
        EXPECT_EQ(get("state/opt/mine/file"), "mine");
        EXPECT_EQ(known_.size(), 1U);
        EXPECT_FALSE(sys::exists(temp_ / "state/adopt/record.json"));
        EXPECT_FALSE(sys::exists(temp_ / "state/adopt/staged"));
    }

    test::TempDir temp_;
    std::map<std::string, OldVolume> known_;
    std::map<std::string, std::vector<std::string>> users_;
    std::string refused_;
    int cut_after_ = 0;
};

TEST_F(AdoptionTest, AnOfferSaysWhatIsTakenAndWhatIsNot) {
    put("state/opt/app/mine", "mine");
    const auto offered = offer();
    ASSERT_TRUE(offered) << offered.error().what();
    const auto& found = offered->survey;
    EXPECT_EQ(found.docker, "var/lib/user-docker");
    std::vector<std::string> names;
    for (const auto& one : found.volumes) names.push_back(one.volume.name);
    EXPECT_THAT(names, ElementsAre("db", "plain", "share"));
    EXPECT_THAT(found.volumes[0].volume.labels, ElementsAre(Pair("com.example.tier", "data"), Pair("owner", "alice")));
    EXPECT_GE(found.volumes[0].extent.bytes, 4U);
    EXPECT_EQ(found.volumes[0].extent.files, 3U);
    EXPECT_EQ(found.volumes[2].path, "") << "what its options name is mounted when it is used";
    ASSERT_EQ(found.entries.size(), 1U);
    EXPECT_EQ(found.entries[0].path, "home/rancher");
    EXPECT_EQ(found.containers.at(0).name, "web");
    EXPECT_THAT(found.images, ElementsAre("nginx:1.19"));
    std::string left, warnings;
    for (const auto& one : found.left) left += one.what + ": " + one.why + "\n";
    for (const auto& one : found.warnings) warnings += one + "\n";
    EXPECT_THAT(left, AllOf(HasSubstr("volume elsewhere: it is of the driver rexray"),
                            HasSubstr("/opt/app: there is one here already")));
    EXPECT_THAT(warnings, HasSubstr("/var/lib/rancher/conf/cloud-config.yml:4: rancher.modules"));
    EXPECT_FALSE(sys::exists(temp_ / "state/adopt")) << "nothing has changed";
}

TEST_F(AdoptionTest, WhatIsTakenIsThereAndKeepsItsOwners) {
    take();
    expect_taken();
    EXPECT_THAT(known_.at("db").labels, ElementsAre(Pair("com.example.tier", "data"), Pair("owner", "alice")));
    EXPECT_EQ(known_.at("share").options.at("type"), "tmpfs");
    EXPECT_EQ(sys::stat_path(temp_ / "state/user/volumes/db/_data/sub")->st_uid, 999U);
    EXPECT_EQ(adoption().record().value()->phase, Phase::taken);
    EXPECT_THAT(machine::Store(temp_ / "state/config").history()->front().why, "adopt RancherOS of /dev/old");
    EXPECT_THAT(offer().error().what(), HasSubstr("not confirmed"));
}

TEST_F(AdoptionTest, UndoneTheMachineIsAsItWas) {
    take();
    put("state/user/volumes/db/_data/more", "written since");
    users_["db"] = {"web"};
    EXPECT_THAT(adoption().undo().error().what(), HasSubstr("web has db"));
    expect_taken();
    users_.clear();
    ASSERT_TRUE(adoption().undo());
    expect_as_before();
    EXPECT_EQ(adoption().undo().error().kind(), Kind::not_found);
    take();
    expect_taken();
}

TEST_F(AdoptionTest, UndoneAfterAChangeOfTheConfigurationTheHistoryHasIt) {
    take();
    ASSERT_TRUE(machine::Store(temp_ / "state/config").write(Value::map(), "set something else"));
    ASSERT_TRUE(adoption().undo());
    expect_as_before();
    EXPECT_EQ(machine::Store(temp_ / "state/config").history()->size(), 3U);
}

TEST_F(AdoptionTest, ConfirmedItIsTheMachinesOwn) {
    EXPECT_EQ(adoption().confirm().error().kind(), Kind::not_found);
    take();
    ASSERT_TRUE(adoption().confirm());
    expect_taken();
    EXPECT_FALSE(sys::exists(temp_ / "state/user/volumes/db/adopted"));
    EXPECT_EQ(adoption().undo().error().kind(), Kind::not_found);
    expect_taken();
}

TEST_F(AdoptionTest, NamesThatAreTakenAreRefused) {
    put(old("/volumes/here/_data/file"), "old");
    EXPECT_THAT(offer().error().what(), AllOf(HasSubstr("here already: here;"), HasSubstr("--without")));
    const auto offered = offer({"here"});
    ASSERT_TRUE(offered) << offered.error().what();
    EXPECT_EQ(offered->survey.volumes.size(), 3U);
    EXPECT_EQ(offer({"nowhere"}).error().kind(), Kind::not_found);
    expect_as_before();
}

TEST_F(AdoptionTest, WhatTheEngineRefusesLeavesNothing) {
    refused_ = "share";  // the last one
    const auto offered = offer();
    const auto taken = adoption().take(*offered);
    EXPECT_THAT(taken.error().what(), AllOf(HasSubstr("nothing is taken"), HasSubstr("refused")));
    expect_as_before();
}

TEST_F(AdoptionTest, SomebodyElsesVolumeOfTheSameNameIsLeftAlone) {
    const auto offered = offer();
    put("state/user/volumes/plain/_data/theirs", "theirs");
    known_["plain"] = {.name = "plain"};
    EXPECT_FALSE(adoption().take(*offered));
    EXPECT_EQ(get("state/user/volumes/plain/_data/theirs"), "theirs");
    EXPECT_TRUE(known_.contains("plain"));
    EXPECT_FALSE(known_.contains("db"));
}

TEST_F(AdoptionTest, WhatIsNoRancherOSIsRefused) {
    ASSERT_TRUE(sys::remove_tree(temp_ / "old/var"));
    EXPECT_THAT(offer().error().what(), HasSubstr("there is nothing of RancherOS on it"));
}

TEST_F(AdoptionTest, LinksOfTheDiskDoNotLeadOutOfIt) {
    put("secret/file", "secret");
    ASSERT_EQ(::symlink((temp_ / "secret").c_str(), (temp_ / "old/home/link").c_str()), 0);
    ASSERT_EQ(::symlink((temp_ / "secret").c_str(), (temp_ / old("/volumes/evil")).c_str()), 0);
    put(old("/volumes/evil2/x"), "");
    ASSERT_EQ(::symlink((temp_ / "secret").c_str(), (temp_ / old("/volumes/evil2/_data")).c_str()), 0);
    take();
    expect_taken();
    EXPECT_FALSE(sys::exists(temp_ / "state/home/link"));
}

// Wherever the power is cut, what settles at the next boot leaves one of the two.
TEST_F(AdoptionTest, APowerCutWhileItIsTakenEndsWithAllOrNothing) {
    int ends_taken = 0, ends_before = 0;
    for (int at = 1;; ++at) {
        cut_after_ = 0;
        const auto offered = offer();
        ASSERT_TRUE(offered) << at << ": " << offered.error().what();
        cut_after_ = at;
        bool cut = false;
        try {
            ASSERT_TRUE(adoption().take(*offered));
        } catch (const std::runtime_error&) {
            cut = true;
        }
        cut_after_ = 0;
        ASSERT_TRUE(adoption().settle());
        if (adoption().record().value()) {
            expect_taken();
            ASSERT_TRUE(adoption().undo());
            ++ends_taken;
        } else {
            ++ends_before;
        }
        expect_as_before();
        if (!cut) break;
    }
    EXPECT_GE(ends_taken, 3);
    EXPECT_EQ(ends_before, 0) << "the engine is not asked before all is copied";
}

TEST_F(AdoptionTest, APowerCutWhileItIsUndoneEndsUndone) {
    for (int at = 1;; ++at) {
        take();
        cut_after_ = at;
        bool cut = false;
        try {
            ASSERT_TRUE(adoption().undo());
        } catch (const std::runtime_error&) {
            cut = true;
        }
        cut_after_ = 0;
        ASSERT_TRUE(adoption().settle());
        expect_as_before();
        if (!cut) break;
    }
}

TEST_F(AdoptionTest, APowerCutWhileItIsCopiedLeavesNothing) {
    Record record{.phase = Phase::copying,
                  .device = "/dev/old",
                  .uuid = {},
                  .at = {},
                  .before = "{}",
                  .after = "a: 1",
                  .volumes = {{.name = "here"}},
                  .entries = {"opt/mine"}};
    ASSERT_TRUE(RecordFile(temp_ / "state/adopt").write(record));
    put("state/adopt/staged/opt/half", "half");
    EXPECT_TRUE(adoption().settle().value());
    expect_as_before();
    EXPECT_FALSE(adoption().settle().value());
}

TEST(RecordText, IsReadAsItWasWritten) {
    const Record record{.phase = Phase::leaving,
                        .device = "/dev/vdb",
                        .uuid = "u",
                        .at = "t",
                        .before = "a: 1\n",
                        .after = "a: 2\n",
                        .volumes = {{.name = "db", .labels = {{"a", "b"}}, .options = {{"o", "x"}}}},
                        .entries = {"home/x"},
                        .restore = true};
    const auto read = decode_record(encode(record));
    ASSERT_TRUE(read) << read.error().what();
    EXPECT_EQ(encode(*read), encode(record));
    EXPECT_EQ(decode_record(R"({"phase":"lost"})").error().kind(), Kind::corrupt);
}

}  // namespace
}  // namespace diatom::adopt
