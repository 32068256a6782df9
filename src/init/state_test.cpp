#include "init/state.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "sys/file.h"

namespace diatom::init {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Action = StateChoice::Action;

BlockDevice device(std::string name, Contents contents, std::string label = {}, std::string partition_name = {}) {
    BlockDevice d{.name = name, .path = "/dev/" + name, .partition_name = std::move(partition_name)};
    d.partition = !d.partition_name.empty();
    d.bytes = 1U << 30U;
    d.contents = contents;
    if (contents == Contents::ext4) d.ext4 = Ext4{std::move(label), true, 1U << 30U};
    return d;
}

StateChoice choose(const std::vector<BlockDevice>& devices, const std::vector<std::string>& autoformat = {}) {
    return choose_state(devices, "DIATOM_STATE", autoformat);
}

TEST(StateChoice, DecisionTable) {
    struct Case {
        const char* what;
        std::vector<BlockDevice> devices;
        std::vector<std::string> autoformat;
        Action action;
        std::string path;
        bool problem;
    };
    const Case cases[] = {
        {"nothing at all", {}, {}, Action::memory, "", false},
        {"strangers only", {device("sda", Contents::ext4, "root")}, {}, Action::memory, "", false},
        {"a blank disk nobody named", {device("vda", Contents::blank)}, {}, Action::memory, "", false},
        {"label",
         {device("sda", Contents::ext4, "x"), device("sdb", Contents::ext4, "DIATOM_STATE")},
         {},
         Action::use,
         "/dev/sdb",
         false},
        {"label wins over autoformat",
         {device("vda", Contents::blank), device("vdb", Contents::ext4, "DIATOM_STATE")},
         {"/dev/vda"},
         Action::use,
         "/dev/vdb",
         false},
        {"named partition", {device("vda2", Contents::ext4, "", "DIATOM_STATE")}, {}, Action::use, "/dev/vda2", false},
        {"named and marked",
         {device("vda2", Contents::marked, "", "DIATOM_STATE")},
         {},
         Action::format,
         "/dev/vda2",
         false},
        {"named and corrupt",
         {device("vda2", Contents::other, "", "DIATOM_STATE")},
         {"/dev/vdb"},
         Action::memory,
         "/dev/vda2",
         true},
        {"marked disk", {device("vda", Contents::marked)}, {}, Action::format, "/dev/vda", false},
        {"autoformat blank", {device("vda", Contents::blank)}, {"/dev/vda"}, Action::format, "/dev/vda", false},
        {"autoformat takes the first that is there",
         {device("sda", Contents::blank)},
         {"/dev/vda", "/dev/sda"},
         Action::format,
         "/dev/sda",
         false},
        {"autoformat with data", {device("vda", Contents::other)}, {"/dev/vda"}, Action::memory, "/dev/vda", true},
        {"autoformat with a foreign file system",
         {device("vda", Contents::ext4, "data")},
         {"/dev/vda"},
         Action::memory,
         "/dev/vda",
         true},
        {"autoformat missing", {}, {"/dev/vda"}, Action::memory, "", true},
    };
    for (const auto& c : cases) {
        const auto choice = choose(c.devices, c.autoformat);
        EXPECT_EQ(choice.action, c.action) << c.what;
        EXPECT_EQ(choice.device.path, c.path) << c.what;
        EXPECT_EQ(!choice.problem.empty(), c.problem) << c.what;
    }
}

TEST(StateChoice, PartitionedDiskIsNeverFormatted) {
    auto disk = device("vda", Contents::blank);
    disk.partitioned = true;
    EXPECT_EQ(choose({disk}, {"/dev/vda"}).action, Action::memory);
}

// A machine of fakes that records what was done to it.
struct FakeMachine {
    std::vector<BlockDevice> devices;
    std::vector<std::string> done;
    std::map<std::string, int> exit_codes;  // "PROGRAM OPTION" -> code
    bool mount_fails = false, grows = false;
    int scans_until_there = 0;

    StateTools tools() {
        StateTools t;
        t.scan = [this] { return scans_until_there-- > 0 ? std::vector<BlockDevice>{} : devices; };
        t.run = [this](std::vector<std::string> argv, int) -> Result<proc::Output> {
            const auto what = argv[0].substr(argv[0].rfind('/') + 1) + " " + argv[1];
            done.push_back(what);
            return proc::Output{{.code = exit_codes[what]}, "tool output"};
        };
        t.grow_partition = [this](const BlockDevice&) -> Result<bool> { return grows; };
        t.mount = [this](const std::string& d) -> Result<void> {
            done.push_back("mount " + d);
            if (mount_fails) return fail(Kind::corrupt, "bad superblock");
            return {};
        };
        t.mount_memory = [this]() -> Result<void> {
            done.push_back("memory");
            return {};
        };
        t.sleep = [this](int) {
            if (done.empty() || done.back() != "sleep") done.push_back("sleep");
        };
        return t;
    }
    StateReport open(std::string_view line = "") { return open_state(config::decode_boot_config(line), tools()); }
};

TEST(State, CleanPartitionIsMountedWithoutACheck) {
    FakeMachine m{.devices = {device("vda2", Contents::ext4, "DIATOM_STATE")}};
    EXPECT_EQ(m.open().kind, StateReport::Kind::partition);
    EXPECT_THAT(m.done, ElementsAre("mount /dev/vda2"));
}

TEST(State, UncleanOneIsCheckedFirstAndRepairedWhenNeeded) {
    FakeMachine m{.devices = {device("vda2", Contents::ext4, "DIATOM_STATE")}};
    m.devices[0].ext4->clean = false;
    m.exit_codes["e2fsck -p"] = 1;  // errors corrected
    EXPECT_TRUE(m.open().checked);
    EXPECT_THAT(m.done, ElementsAre("e2fsck -p", "mount /dev/vda2"));
    m.done.clear();
    m.exit_codes["e2fsck -p"] = 4;
    EXPECT_EQ(m.open().kind, StateReport::Kind::partition);
    EXPECT_THAT(m.done, ElementsAre("e2fsck -p", "e2fsck -f", "mount /dev/vda2"));
}

TEST(State, CorruptOneLeavesTheMachineInMemory) {
    FakeMachine m{.devices = {device("vda2", Contents::ext4, "DIATOM_STATE")}};
    m.devices[0].ext4->clean = false;
    m.exit_codes = {{"e2fsck -p", 8}, {"e2fsck -f", 8}};
    const auto report = m.open();
    EXPECT_EQ(report.kind, StateReport::Kind::memory);
    EXPECT_THAT(report.problem, HasSubstr("tool output"));
    EXPECT_THAT(m.done, ElementsAre("e2fsck -p", "e2fsck -f", "memory"));
    FakeMachine bad{.devices = {device("vda2", Contents::ext4, "DIATOM_STATE")}};
    bad.mount_fails = true;
    EXPECT_THAT(bad.open().problem, HasSubstr("bad superblock"));
}

TEST(State, FormatsThenMounts) {
    FakeMachine m{.devices = {device("vda", Contents::blank)}};
    EXPECT_TRUE(m.open("diatom.state.autoformat=/dev/vda").formatted);
    EXPECT_THAT(m.done, ElementsAre("mke2fs -q", "mount /dev/vda"));
}

TEST(State, WaitsOnlyForADeviceThatIsNamed) {
    FakeMachine m{.devices = {device("vda", Contents::blank)}};
    m.scans_until_there = 3;
    EXPECT_TRUE(m.open("diatom.state.autoformat=/dev/vda").formatted);
    FakeMachine unnamed;
    EXPECT_EQ(unnamed.open().kind, StateReport::Kind::memory);
    EXPECT_THAT(unnamed.done, ElementsAre("memory"));
    FakeMachine off{.devices = {device("vda2", Contents::ext4, "DIATOM_STATE")}};
    EXPECT_EQ(off.open("diatom.state=off").problem, "");
    EXPECT_THAT(off.done, ElementsAre("memory"));
}

TEST(State, WriteProtectedAndSmallerThanItsDevice) {
    FakeMachine m{.devices = {device("vda2", Contents::ext4, "DIATOM_STATE")}};
    m.devices[0].ext4->bytes = 1U << 28U;
    EXPECT_TRUE(m.open().grow);
    m.devices[0].ext4->bytes = m.devices[0].bytes;
    EXPECT_FALSE(m.open().grow);
    m.devices[0].partition = m.grows = true;
    EXPECT_TRUE(m.open().grow);
    m.devices[0].read_only = true;
    EXPECT_THAT(m.open().problem, HasSubstr("write-protected"));
}

// Real file systems, made by the real program in image files.
class Image : public testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/diatom-image-XXXXXX";
        path_ = name;
        const int fd = ::mkstemp(name);
        path_ = name;
        ASSERT_EQ(::ftruncate(fd, kBytes), 0);
        ::close(fd);
    }
    void TearDown() override { std::ignore = sys::remove_file(path_); }
    void run(std::vector<std::string> argv) {
        auto output = StateTools::real().run(std::move(argv), 60'000);
        ASSERT_TRUE(output) << output.error().what();
        ASSERT_LE(output->status.shell_code(), 1) << output->out;
    }
    BlockDevice probed() {
        BlockDevice d{.name = "image", .path = path_};
        d.bytes = kBytes;
        EXPECT_TRUE(probe(d));
        return d;
    }
    static constexpr off_t kBytes = 64 << 20;
    std::string path_;
};

TEST_F(Image, BlankMarkedAndFormatted) {
    EXPECT_EQ(probed().contents, Contents::blank);
    ASSERT_TRUE(sys::write_all(*sys::open_path(path_, O_WRONLY), kEmptyMarker));
    EXPECT_EQ(probed().contents, Contents::marked);
    run(format_command(path_, "DIATOM_STATE"));
    const auto d = probed();
    EXPECT_EQ(d.contents, Contents::ext4);
    ASSERT_TRUE(d.ext4);
    EXPECT_EQ(d.ext4->label, "DIATOM_STATE");
    EXPECT_TRUE(d.ext4->clean);
    EXPECT_EQ(d.ext4->bytes, static_cast<std::uint64_t>(kBytes));
    run({"/usr/sbin/debugfs", "-w", "-R", "ssv state 2", path_});
    EXPECT_FALSE(probed().ext4->clean);
}

TEST_F(Image, WhatLiesAtTheEndIsNotBlank) {
    auto fd = sys::open_path(path_, O_WRONLY);
    ASSERT_EQ(::pwrite(fd->raw(), "EFI PART", 8, kBytes - 512), 8);
    EXPECT_EQ(probed().contents, Contents::other);
}

TEST(Superblock, ShortAndRandomBytesAreNothing) {
    EXPECT_FALSE(parse_ext4(""));
    EXPECT_FALSE(parse_ext4(std::string(2047, '\x53')));
    EXPECT_EQ(classify("x", ""), Contents::other);
    EXPECT_EQ(classify("", ""), Contents::blank);
}

}  // namespace
}  // namespace diatom::init
