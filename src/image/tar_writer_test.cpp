// What the writer writes, the reader of layers reads; equal trees give equal bytes.
#include "image/tar_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "image/testing/archives.h"
#include "image/testing/store_fixture.h"
#include "image/tree_archive.h"
#include "sys/file.h"

namespace diatom::image {
namespace {

using testing::collect;

class StringSink final : public ByteSink {
public:
    Result<void> write(std::string_view bytes) override {
        text.append(bytes);
        return {};
    }
    std::string text;
};

class TarWriterTest : public testing::StoreFixture {
protected:
    std::string pack(const std::string& path, const std::string& as = {}, Upper upper = Upper::plain) {
        auto root = sys::open_path(path, O_RDONLY | O_DIRECTORY);
        EXPECT_TRUE(root);
        TreeArchive archive(std::move(*root), {}, as, upper);
        const auto read = testing::read_whole(archive);
        EXPECT_TRUE(read) << read.error().what();
        return read.value_or("");
    }
    std::string tree() const { return directory_ / "tree"; }
};

TEST_F(TarWriterTest, WritesWhatDoesNotFitUstar) {
    StringSink sink;
    TarWriter tar(sink);
    const std::string path = std::string(120, 'n') + "/\xc3\xa9";
    const TarEntry entry{.path = path,
                         .mode = 04750,
                         .uid = 3'000'000,
                         .gid = 7,
                         .mtime = {.tv_sec = -5, .tv_nsec = 0},
                         .size = 3,
                         .xattrs = {{"user.note", std::string("a\nb\0c", 5)}}};
    ASSERT_TRUE(tar.begin(entry));
    ASSERT_TRUE(tar.data("abc"));
    ASSERT_TRUE(tar.end_file());
    ASSERT_TRUE(tar.begin({.path = "l", .type = EntryType::symlink, .link = std::string(300, 't')}));
    ASSERT_TRUE(tar.finish());
    EXPECT_EQ(sink.text.size() % 512, 0U);
    const auto found = collect(sink.text);
    ASSERT_TRUE(found.entries.contains(path));
    const auto& read = found.entries.at(path);
    EXPECT_EQ(read.mode, 04750U);
    EXPECT_EQ(read.uid, 3'000'000U);
    EXPECT_EQ(read.mtime.tv_sec, -5);
    EXPECT_EQ(read.xattrs, entry.xattrs);
    EXPECT_EQ(found.contents.at(path), "abc");
    EXPECT_EQ(found.entries.at("l").link, std::string(300, 't'));
}

TEST_F(TarWriterTest, RefusesToBreakItsPromise) {
    StringSink sink;
    TarWriter tar(sink);
    ASSERT_TRUE(tar.begin({.path = "f", .size = 3}));
    EXPECT_FALSE(tar.data("abcd"));
    ASSERT_TRUE(tar.data("ab"));
    EXPECT_FALSE(tar.end_file());
}

TEST_F(TarWriterTest, ATreeComesBackAsItWas) {
    ASSERT_TRUE(sys::make_dirs(tree() + "/d"));
    ASSERT_TRUE(sys::write_file(tree() + "/d/f", std::string(700'000, 'x')));
    ASSERT_EQ(::link((tree() + "/d/f").c_str(), (tree() + "/d/h").c_str()), 0);
    ASSERT_EQ(::symlink("/etc/passwd", (tree() + "/l").c_str()), 0);
    ASSERT_EQ(::mkfifo((tree() + "/p").c_str(), 0600), 0);
    ASSERT_EQ(::chmod((tree() + "/d/f").c_str(), 04711), 0);
    const auto archive = pack(tree());
    EXPECT_EQ(archive, pack(tree()));
    const auto found = collect(archive);
    EXPECT_EQ(found.entries.size(), 5U);
    EXPECT_EQ(found.contents.at("d/f"), std::string(700'000, 'x'));
    EXPECT_EQ(found.entries.at("d/f").mode, 04711U);
    EXPECT_EQ(found.entries.at("d/h").type, EntryType::hardlink);
    EXPECT_EQ(found.entries.at("d/h").link, "d/f");
    EXPECT_EQ(found.entries.at("l").link, "/etc/passwd");
    EXPECT_EQ(found.entries.at("p").type, EntryType::fifo);
    EXPECT_TRUE(collect(pack(tree(), "in")).entries.contains("in/d/f"));
}

TEST_F(TarWriterTest, OverlaysWhiteoutsBecomeThoseOfLayers) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    ASSERT_TRUE(sys::make_dirs(tree() + "/opaque"));
    ASSERT_TRUE(sys::make_dirs(tree() + "/d"));
    ASSERT_EQ(::mknod((tree() + "/d/gone").c_str(), S_IFCHR, 0), 0);
    ASSERT_EQ(::setxattr((tree() + "/opaque").c_str(), "trusted.overlay.opaque", "y", 1, 0), 0);
    const auto archive = pack(tree(), {}, Upper::overlay);
    const auto found = collect(archive);
    EXPECT_TRUE(found.entries.contains("d/.wh.gone"));
    EXPECT_FALSE(found.entries.contains("d/gone"));
    EXPECT_TRUE(found.entries.contains("opaque/.wh..wh..opq"));
    // And the store makes of them what they were.
    ASSERT_TRUE(unpack(archive));
    struct stat about{};
    ASSERT_EQ(::lstat((layer_path(archive) + "/d/gone").c_str(), &about), 0);
    EXPECT_TRUE(S_ISCHR(about.st_mode) && about.st_rdev == 0);
}

}  // namespace
}  // namespace diatom::image
