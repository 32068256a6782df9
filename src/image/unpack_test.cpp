// Layers on their way from an archive to the disk.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <cstring>

#include "image/layers.h"
#include "image/testing/store_fixture.h"
#include "sys/file.h"
#include "tests/support/isolate.h"

namespace diatom::image {
namespace {

using testing::gzip;
using testing::one_file_layer;
using testing::TarBuilder;
using testing::zstd;

class UnpackTest : public testing::StoreFixture {
protected:
    void expect_refused(const std::string& tar, Kind kind) {
        const auto unpacked = unpack(tar);
        ASSERT_FALSE(unpacked);
        EXPECT_EQ(unpacked.error().kind(), kind) << unpacked.error().what();
        expect_nothing_left(tar);
    }
    void expect_nothing_left(const std::string& tar) {
        EXPECT_FALSE(*store_->has_layer(Digest::of(tar)));
        EXPECT_TRUE(sys::list_dir(root() + "/layers")->empty());
        EXPECT_TRUE(sys::list_dir(root() + "/ingest")->empty());
    }
    static struct stat look(const std::string& path) {
        struct stat about{};
        EXPECT_EQ(::lstat(path.c_str(), &about), 0) << path;
        return about;
    }
};

TEST_F(UnpackTest, KeepsWhatTheArchiveSays) {
    TarBuilder tar;
    tar.directory("d", 01777)
        .file("d/f", "hello", {.mode = 04755, .uid = 7, .gid = 8})
        .hardlink("d/h", "./d/f")
        .symlink("l", "/etc/passwd")
        .fifo("p");
    tar.pax("SCHILY.xattr.trusted.overlay.redirect=/etc").file("redirect", "");
    tar.pax("path=" + std::string(150, 'n') + "/\xe9\xc3\xa9").file("x", "long");
    const auto archive = tar.finish();
    const auto unpacked = unpack(archive);
    ASSERT_TRUE(unpacked) << unpacked.error().what();
    const auto fs = layer_path(archive);
    EXPECT_EQ(*sys::read_file(fs + "/d/h"), "hello");
    const auto file = look(fs + "/d/f");
    EXPECT_EQ(file.st_mode, S_IFREG | 04755U);
    EXPECT_EQ(file.st_uid, 7U);
    EXPECT_EQ(file.st_gid, 8U);
    EXPECT_EQ(file.st_nlink, 2U);
    EXPECT_EQ(file.st_mtime, 1'700'000'000);
    EXPECT_EQ(look(fs + "/d").st_mode, S_IFDIR | 01777U);
    EXPECT_EQ(look(fs + "/d").st_mtime, 1'700'000'000);
    EXPECT_EQ(*sys::read_link(fs + "/l"), "/etc/passwd");
    EXPECT_TRUE(S_ISFIFO(look(fs + "/p").st_mode));
    EXPECT_EQ(::lgetxattr((fs + "/redirect").c_str(), "trusted.overlay.redirect", nullptr, 0), -1);
    EXPECT_EQ(*sys::read_file(fs + "/" + std::string(150, 'n') + "/\xe9\xc3\xa9"), "long");
    EXPECT_FALSE(*store_->has_blob(Digest::of(archive)));
}

// CVE-2014-9356, CVE-2014-6407: names, links and hard links of a layer that lead out of it, in this test and those
// below.
TEST_F(UnpackTest, RefusesNamesThatLeadOut) {
    expect_refused(TarBuilder().file("../../../escaped", "x").finish(), Kind::invalid);
    expect_refused(TarBuilder().file("a/../../escaped", "x").finish(), Kind::invalid);
    EXPECT_FALSE(sys::exists(directory_ / "escaped"));
}

TEST_F(UnpackTest, TakesAbsoluteNamesAsTheImages) {
    const auto tar = TarBuilder().file("/diatom-test-absolute", "x").finish();
    ASSERT_TRUE(unpack(tar));
    EXPECT_TRUE(sys::exists(layer_path(tar) + "/diatom-test-absolute"));
    EXPECT_FALSE(sys::exists("/diatom-test-absolute"));
}

TEST_F(UnpackTest, WritesNothingThroughLinks) {
    const auto outside = directory_ / "outside";
    ASSERT_TRUE(sys::make_dirs(outside));
    ASSERT_TRUE(sys::write_file(outside + "/victim", "untouched"));
    for (const auto& target : {outside, std::string("../../../../outside")}) {
        (void)unpack(TarBuilder().symlink("l", target).file("l/victim", "changed").file("l/new", "x").finish());
        (void)unpack(TarBuilder().symlink("f", target + "/victim").file("f", "changed").finish());
    }
    EXPECT_EQ(*sys::read_file(outside + "/victim"), "untouched");
    EXPECT_FALSE(sys::exists(outside + "/new"));
}

TEST_F(UnpackTest, RefusesHardLinksOutOfTheRoot) {
    const auto victim = directory_ / "victim";
    ASSERT_TRUE(sys::write_file(victim, "secret"));
    expect_refused(TarBuilder().hardlink("h", "../../../victim").finish(), Kind::invalid);
    EXPECT_FALSE(unpack(TarBuilder().hardlink("h", victim).finish()));
    EXPECT_FALSE(unpack(TarBuilder().symlink("l", directory_.path()).hardlink("h", "l/victim").finish()));
    EXPECT_EQ(look(victim).st_nlink, 1U);
}

TEST_F(UnpackTest, MakesDevicesAndWhiteouts) {
    const auto tar = TarBuilder()
                         .character_device("null", 1, 3)
                         .file("d/.wh.gone", "")
                         .directory("o")
                         .file("o/.wh..wh..opq", "")
                         .file(".wh..wh.plnk", "")
                         .finish();
    const auto unpacked = unpack(tar);
    ASSERT_TRUE(unpacked) << unpacked.error().what();
    const auto fs = layer_path(tar);
    EXPECT_EQ(look(fs + "/null").st_rdev, makedev(1, 3));
    EXPECT_TRUE(S_ISCHR(look(fs + "/d/gone").st_mode));
    EXPECT_EQ(look(fs + "/d/gone").st_rdev, 0U);
    char value = 0;
    EXPECT_EQ(::lgetxattr((fs + "/o").c_str(), "trusted.overlay.opaque", &value, 1), 1);
    EXPECT_EQ(value, 'y');
    EXPECT_FALSE(sys::exists(fs + "/.wh..wh.plnk"));
    EXPECT_FALSE(unpack(TarBuilder().file(".wh...", "").finish()));
}

class WhiteoutTest : public UnpackTest {
protected:
    std::string unpacked(const std::string& archive) {
        const auto done = unpack(archive);
        EXPECT_TRUE(done) << done.error().what();
        return layer_path(archive);
    }
    static bool is_whiteout(const std::string& path) {
        const auto about = look(path);
        return S_ISCHR(about.st_mode) && about.st_rdev == 0;
    }
    static bool is_opaque(const std::string& path) {
        char value = 0;
        return ::lgetxattr(path.c_str(), "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
    }
};

TEST_F(WhiteoutTest, ADirectoryOverAWhiteoutIsOpaque) {
    const auto fs = unpacked(TarBuilder()
                                 .file(".wh.d", "")
                                 .directory("d", 0750)
                                 .file("d/new", "x")
                                 .directory("plain")
                                 .file(".wh.f", "")
                                 .file("f", "x")
                                 .finish());
    EXPECT_EQ(look(fs + "/d").st_mode, S_IFDIR | 0750U);
    EXPECT_TRUE(is_opaque(fs + "/d"));
    EXPECT_TRUE(sys::exists(fs + "/d/new"));
    EXPECT_FALSE(is_opaque(fs + "/plain"));
    EXPECT_EQ(*sys::read_file(fs + "/f"), "x");
}

TEST_F(WhiteoutTest, OneThatTheArchiveOnlyImpliesToo) {
    const auto fs = unpacked(TarBuilder().file("a/.wh.b", "").file("a/b/c/new", "x").file("a/b/.wh.old", "").finish());
    EXPECT_TRUE(is_opaque(fs + "/a/b"));
    EXPECT_FALSE(is_opaque(fs + "/a"));
    EXPECT_FALSE(is_opaque(fs + "/a/b/c"));
    EXPECT_TRUE(sys::exists(fs + "/a/b/c/new"));
    EXPECT_TRUE(is_whiteout(fs + "/a/b/old"));
    EXPECT_FALSE(unpack(TarBuilder().file("file", "").file("file/below", "x").finish()));
}

TEST_F(WhiteoutTest, HidesNothingOfItsOwnLayer) {
    const auto fs = unpacked(TarBuilder()
                                 .directory("d")
                                 .file("d/kept", "x")
                                 .file(".wh.d", "")
                                 .file("f", "x")
                                 .file(".wh.f", "")
                                 .symlink("l", "/")
                                 .file(".wh.l", "")
                                 .finish());
    EXPECT_TRUE(is_opaque(fs + "/d"));
    EXPECT_EQ(*sys::read_file(fs + "/d/kept"), "x");
    EXPECT_EQ(*sys::read_file(fs + "/f"), "x");
    EXPECT_EQ(*sys::read_link(fs + "/l"), "/");
}

TEST_F(WhiteoutTest, ADirectoryInPlaceOfAFileIsOpaque) {
    const auto fs = unpacked(TarBuilder().file("d", "x").directory("d").directory("d").file("d/new", "x").finish());
    EXPECT_TRUE(is_opaque(fs + "/d"));
    EXPECT_TRUE(sys::exists(fs + "/d/new"));
}

TEST_F(WhiteoutTest, LowerLayersStayHidden) {
    test::in_mount_namespace([this] {
        const auto lower = unpacked(TarBuilder().file("d/old", "x").file("e/old", "x").finish());
        const auto upper = unpacked(TarBuilder()
                                        .file(".wh.d", "")
                                        .directory("d")
                                        .file("d/new", "x")
                                        .file(".wh.e", "")
                                        .file("e/f/new", "x")
                                        .finish());
        const auto merged = directory_ / "merged";
        ASSERT_TRUE(sys::make_dirs(merged));
        const auto options = std::format("lowerdir={}:{}", upper, lower);
        ASSERT_EQ(::mount("overlay", merged.c_str(), "overlay", MS_RDONLY, options.c_str()), 0) << strerror(errno);
        EXPECT_THAT(*sys::list_dir(merged + "/d"), ::testing::ElementsAre("new"));
        EXPECT_THAT(*sys::list_dir(merged + "/e"), ::testing::ElementsAre("f"));
        ASSERT_EQ(::umount(merged.c_str()), 0);
    });
}

TEST_F(UnpackTest, TakesManyEntries) {
    TarBuilder tar;
    for (int i = 0; i < 100'000; ++i) tar.file(std::format("d{}/f{}", i / 1000, i), "");
    const auto archive = tar.finish();
    const auto unpacked = unpack(archive);
    ASSERT_TRUE(unpacked) << unpacked.error().what();
    EXPECT_EQ(sys::list_dir(layer_path(archive) + "/d99")->size(), 1000U);
}

class BombTest : public UnpackTest {
protected:
    // With an allowance of 4 MiB, as the real one takes long to fill.
    Result<void> unpack_limited(const std::string& blob, const std::string& tar) {
        const auto path = directory_ / "blob";
        TRY(sys::write_file(path, blob));
        auto catalog = TRY(Catalog::open(directory_ / "catalog.db"));
        Layers layers(root(), catalog, {.allowance = 4U << 20U, .ratio = 100});
        const auto file = TRY(sys::open_path(path, O_RDONLY));
        const ProgressSink nobody;
        return layers.unpack({.archive = file_source(file),
                              .size = blob.size(),
                              .diff_id = Digest::of(tar),
                              .label = "bomb",
                              .progress = nobody});
    }
    void expect_bomb(const std::string& blob, const std::string& tar) {
        const auto unpacked = unpack_limited(blob, tar);
        ASSERT_FALSE(unpacked);
        EXPECT_EQ(unpacked.error().kind(), Kind::invalid);
        for (const auto* word : {"4.0 MiB", "100 times", "bomb"})
            EXPECT_THAT(unpacked.error().what(), ::testing::HasSubstr(word));
        expect_nothing_left(tar);
    }
};

TEST_F(BombTest, IsRefusedWhateverItIsPackedWith) {
    const auto tar = TarBuilder().file("zeros", std::string(64U << 20U, '\0')).finish();
    expect_bomb(gzip(tar), tar);
    expect_bomb(zstd(tar), tar);
}

TEST_F(BombTest, MayBeInWhatFollowsTheArchive) {
    const auto tar = one_file_layer("f", "x") + std::string(64U << 20U, '\0');
    expect_bomb(gzip(tar), tar);
}

TEST_F(BombTest, IsNoneWithinTheAllowance) {
    const auto tar = TarBuilder().file("zeros", std::string(3U << 20U, '\0')).finish();
    EXPECT_TRUE(unpack_limited(gzip(tar), tar));
}

TEST_F(BombTest, IsNoneAtAnUsualRatio) {
    std::string text;
    for (int i = 0; text.size() < (16U << 20U); ++i) text += std::format("line {} of a log that repeats itself\n", i);
    const auto tar = TarBuilder().file("text", text).finish();
    const auto unpacked = unpack_limited(gzip(tar), tar);
    EXPECT_TRUE(unpacked) << unpacked.error().what();
    EXPECT_TRUE(unpack_limited(tar, tar));
}

TEST_F(UnpackTest, ChecksTheDiffId) {
    const auto tar = one_file_layer("f", "x");
    const auto unpacked = unpack_blob(zstd(tar), Digest::of("other"));
    ASSERT_FALSE(unpacked);
    EXPECT_EQ(unpacked.error().kind(), Kind::corrupt);
    expect_nothing_left(tar);
    EXPECT_TRUE(unpack_blob(zstd(tar), Digest::of(tar)));
}

TEST_F(UnpackTest, RefusesATruncatedArchive) {
    const auto tar = one_file_layer("f", std::string(5000, 'x'));
    expect_refused(tar.substr(0, 2000), Kind::corrupt);
    const auto compressed = zstd(tar);
    EXPECT_EQ(unpack_blob(compressed.substr(0, compressed.size() / 2), Digest::of(tar)).error().kind(), Kind::corrupt);
}

TEST_F(UnpackTest, TakesAnArchiveWithoutItsLastPadding) {
    const auto whole = one_file_layer("f", "12345");
    const auto tar = whole.substr(0, 512 + 5);
    const auto unpacked = unpack(tar);
    ASSERT_TRUE(unpacked) << unpacked.error().what();
    EXPECT_EQ(*sys::read_file(layer_path(tar) + "/f"), "12345");
    EXPECT_EQ(unpack(whole.substr(0, 512 + 4)).error().kind(), Kind::corrupt);
}

TEST_F(UnpackTest, StopsWhenCancelled) {
    const auto tar = one_file_layer("f", "x");
    const std::atomic<bool> cancelled = true;
    const auto unpacked = store_->unpack_layer(*receive(tar), Digest::of(tar), {}, &cancelled);
    ASSERT_FALSE(unpacked);
    EXPECT_EQ(unpacked.error().kind(), Kind::cancelled);
    ASSERT_TRUE(store_->collect(Leftovers::remove));  // the download stays for the next attempt
    expect_nothing_left(tar);
}

// All of it is there already: no wait for bytes ends it.
TEST_F(UnpackTest, StopsInTheMiddleWhenCancelled) {
    const auto tar = testing::TarBuilder().file("one", std::string(3U << 20U, '1')).file("two", "2").finish();
    std::atomic<bool> cancelled = false;
    const ProgressSink at_first_sight = [&](const Progress& step) { cancelled = step.status == "Extracting"; };
    const auto unpacked = store_->unpack_layer(*receive(tar), Digest::of(tar), at_first_sight, &cancelled);
    ASSERT_FALSE(unpacked);
    EXPECT_EQ(unpacked.error().kind(), Kind::cancelled);
    EXPECT_EQ((*store_->receive_blob({.digest = Digest::of(tar), .size = tar.size()}))->inherited(), tar.size());
    EXPECT_EQ(sys::list_dir(root() + "/ingest")->size(), 1U) << "the download, for the next attempt";
    ASSERT_TRUE(store_->collect(Leftovers::remove));
    expect_nothing_left(tar);
}

}  // namespace
}  // namespace diatom::image
