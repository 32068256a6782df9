#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "oci/bundle.h"
#include "oci/documents.h"
#include "oci/state_dir.h"
#include "proc/spawn.h"
#include "sys/file.h"
#include "sys/socket.h"

namespace diatom::oci {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Oci : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = "/tmp/oci-test-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        home_ = pattern;
        ASSERT_TRUE(sys::make_dirs(home_ + "/bundle/rootfs"));
        open_before_ = sys::count_open_fds().value();
    }
    void TearDown() override {
        EXPECT_EQ(sys::count_open_fds().value(), open_before_) << "descriptors leaked";
        EXPECT_TRUE(sys::remove_tree(home_));
    }
    std::string root() const { return home_ + "/state"; }
    std::string bundle() const { return home_ + "/bundle"; }
    Result<runtime::Spec> load(const std::string& config, CgroupManager cgroups = CgroupManager::cgroupfs) const {
        TRY(sys::write_file(bundle() + "/config.json", config));
        return load_bundle(bundle(), "box", cgroups);
    }
    std::string error_of(const std::string& config, CgroupManager cgroups = CgroupManager::cgroupfs) const {
        const auto loaded = load(config, cgroups);
        return loaded ? "" : loaded.error().what();
    }
    Record record() const {
        Record record;
        record.spec = runtime::default_spec();
        record.spec.id = "box";
        record.spec.bundle = bundle();
        record.spec.annotations = {{"key", "value"}};
        record.spec.hooks.poststop = {{.path = "/bin/true", .args = {"true"}, .env = {}, .timeout = 3}};
        record.created = "2026-11-23T10:00:00Z";
        return record;
    }

private:
    std::string home_;
    std::size_t open_before_ = 0;
};

TEST_F(Oci, ARecordComesBackAsItWent) {
    const auto dir = StateDir::create(root(), "box");
    ASSERT_TRUE(dir) << dir.error().what();
    Record written = record();
    written.status = Status::created;
    written.process = {.pid = 12, .start_time = 34};
    ASSERT_TRUE(dir->write_spec(written.spec));
    ASSERT_TRUE(dir->write(written));
    const auto read = dir->read();
    ASSERT_TRUE(read) << read.error().what();
    EXPECT_EQ(encode(*read), encode(written));
    EXPECT_EQ(runtime::encode(read->spec), runtime::encode(written.spec));
    const Json state = state_of(*read, Status::created);
    EXPECT_EQ(state["pid"], 12);
    EXPECT_EQ(state["annotations"]["key"], "value");
    EXPECT_EQ(state_of(*read, Status::stopped)["pid"], 0);
}

TEST_F(Oci, IdsAreTakenOnce) {
    {
        const auto first = StateDir::create(root(), "box");
        ASSERT_TRUE(first);
        EXPECT_EQ(StateDir::create(root(), "box").error().kind(), Kind::conflict) << "it is being created";
        EXPECT_EQ(StateDir::open(root(), "box", Lock::none).error().kind(), Kind::not_found);
    }
    const auto taken_over = StateDir::create(root(), "box");
    ASSERT_TRUE(taken_over) << "what a killed create left: " << taken_over.error().what();
    ASSERT_TRUE(taken_over->write(record()));
    EXPECT_THAT(StateDir::create(root(), "box").error().what(), HasSubstr("exists"));
    EXPECT_THAT(StateDir::list(root()).value(), ElementsAre("box"));
    ASSERT_TRUE(taken_over->remove());
    EXPECT_THAT(StateDir::list(root()).value(), ElementsAre());
    EXPECT_EQ(StateDir::open(root(), "box", Lock::none).error().kind(), Kind::not_found);
}

TEST_F(Oci, ACommandThatStaysSharesTheLock) {
    const auto ours = StateDir::create(root(), "box").value();
    ASSERT_TRUE(ours.write(record()));
    EXPECT_TRUE(ours.busy());
    ours.unlock();
    EXPECT_FALSE(ours.busy());
    EXPECT_TRUE(ours.lock_again().value());
    EXPECT_TRUE(ours.busy());
    ours.unlock();
    ASSERT_TRUE(StateDir::open(root(), "box", Lock::exclusive).value().remove());
    const auto others = StateDir::create(root(), "box");
    ASSERT_TRUE(others) << others.error().what();
    EXPECT_FALSE(ours.lock_again().value()) << "another container of the same name is not ours";
}

TEST_F(Oci, IdsAreNamesOfOneFile) {
    for (const char* bad : {"", ".", "..", "a/b", "a b", "ä"}) {
        EXPECT_EQ(StateDir::create(root(), bad).error().kind(), Kind::invalid) << bad;
    }
    EXPECT_EQ(StateDir::create(root(), std::string(256, 'a')).error().kind(), Kind::invalid);
    const auto longest = StateDir::create(root(), std::string(255, 'a'));
    ASSERT_TRUE(longest);
    // Its socket's path is longer than an address takes.
    EXPECT_TRUE(sys::listen_unix(longest->start_socket(), sys::SocketType::packet, 0600));
}

TEST_F(Oci, StatusFollowsTheProcess) {
    const auto dir = StateDir::create(root(), "box").value();
    Record box = record();
    EXPECT_EQ(current_status(dir, box).value(), Status::creating) << "somebody holds the lock";
    auto child = proc::spawn({.path = "/bin/sleep", .argv = {"sleep", "1000"}, .env = {}, .fds = {}}).value();
    box.process = {.pid = child.pid, .start_time = sys::start_time(child.pid).value()};
    box.status = Status::running;
    EXPECT_EQ(current_status(dir, box).value(), Status::running);
    box.status = Status::created;
    {
        const auto listener = sys::listen_unix(dir.start_socket(), sys::SocketType::packet, 0600).value();
        EXPECT_EQ(current_status(dir, box).value(), Status::created);
    }
    EXPECT_EQ(current_status(dir, box).value(), Status::running) << "nobody waits to be started any more";
    box.process.start_time += 1;
    EXPECT_EQ(current_status(dir, box).value(), Status::stopped) << "the pid belongs to another process";
    box.process.start_time -= 1;
    ASSERT_TRUE(sys::send_signal(child.pidfd, SIGKILL));
    siginfo_t info{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child.pid), &info, WEXITED | WNOWAIT), 0);
    EXPECT_EQ(current_status(dir, box).value(), Status::stopped) << "a zombie";
    ASSERT_TRUE(sys::wait_exit(child.pidfd));
    EXPECT_EQ(current_status(dir, box).value(), Status::stopped);
}

constexpr const char* kProcess =
    R"("ociVersion":"1.2.0","process":{"args":["true"],"cwd":"/"},"root":{"path":"rootfs"})";

TEST_F(Oci, ABundleIsCompleted) {
    const auto spec = load(std::format(
        R"({{{},"mounts":[{{"destination":"/a","type":"bind","source":"x"}},{{"destination":"/b","source":"/y","options":["rbind"]}}],"novelty":1}})",
        kProcess));
    ASSERT_TRUE(spec) << spec.error().what();
    EXPECT_EQ(spec->id, "box");
    EXPECT_EQ(spec->bundle, bundle());
    EXPECT_EQ(spec->root.path, bundle() + "/rootfs");
    EXPECT_EQ(spec->mounts[0].source, bundle() + "/x");
    EXPECT_EQ(spec->mounts[1].source, "/y");
    EXPECT_EQ(spec->cgroup, "diatom/runtime/box");
    EXPECT_EQ(spec->devices.size(), 6U);
    ASSERT_FALSE(spec->resources.devices.empty());
    EXPECT_FALSE(spec->resources.devices.front().allow) << "without a rule of its own only the defaults may be used";
}

TEST_F(Oci, ABundleNeedsNoProcess) {
    const auto spec = load(R"({"ociVersion":"1.2.0","root":{"path":"rootfs"}})");
    ASSERT_TRUE(spec) << spec.error().what();
    EXPECT_THAT(spec->process.args, ElementsAre());
    const auto again = runtime::decode_spec(encode(*spec));
    ASSERT_TRUE(again) << again.error().what();
    EXPECT_THAT(again->process.args, ElementsAre());
}

TEST_F(Oci, ABundleThatCannotBeIsRefused) {
    EXPECT_THAT(error_of("{"), HasSubstr("config.json"));
    EXPECT_THAT(error_of(R"({"ociVersion":"1.2.0","process":{"cwd":"/"},"root":{"path":"rootfs"}})"),
                HasSubstr("process.args is missing"));
    EXPECT_THAT(error_of(R"({"ociVersion":"1.2.0","process":{"args":["x"]}})"), HasSubstr("root.path is missing"));
    EXPECT_THAT(error_of(R"({"ociVersion":"1.2.0","process":{"args":["x"]},"root":{"path":"absent"}})"),
                HasSubstr("absent"));
    EXPECT_THAT(error_of(std::format(R"({{{},"linux":{{"cgroupsPath":"a:b:c"}}}})", kProcess)), HasSubstr("systemd"));
    const auto limited = std::format(R"({{{},"linux":{{"resources":{{"pids":{{"limit":3}}}}}}}})", kProcess);
    EXPECT_EQ(error_of(limited), "");
    EXPECT_THAT(error_of(limited, CgroupManager::disabled), HasSubstr("cgroups are disabled"));
}

TEST_F(Oci, WhatItTellsOfItselfIsTrue) {
    const Json told = features();
    EXPECT_EQ(told["ociVersionMax"], "1.2.0");
    for (const auto& word : told["mountOptions"]) {
        const auto option = word.get<std::string>();
        if (option == "idmap" || option == "ridmap" || option == "tmpcopyup") continue;
        const auto loaded = load(std::format(
            R"({{{},"mounts":[{{"destination":"/a","type":"tmpfs","options":["{}"]}}]}})", kProcess, option));
        EXPECT_TRUE(loaded) << option;
    }
    EXPECT_TRUE(runtime::decode_spec(config_template(For::root)));
    EXPECT_TRUE(runtime::decode_spec(config_template(For::user_namespace)));
}

}  // namespace
}  // namespace diatom::oci
