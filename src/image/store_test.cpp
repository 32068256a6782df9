#include "image/store.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <zstd.h>

#include <thread>

#include "image/testing/image_builder.h"
#include "sys/file.h"
#include "sys/socket.h"
#include "tests/support/fd_leak.h"
#include "tests/support/temp_dir.h"

namespace diatom::image {
namespace {

using testing::make_image;
using testing::one_file_layer;
using testing::TarBuilder;

class StoreTest : public ::testing::Test {
protected:
    StoreTest() : store_(*Store::open(root())) {}

    std::string root() const { return directory_ / "store"; }
    std::string layer_path(const std::string& tar) const {
        return std::format("{}/layers/{}/fs", root(), Digest::of(tar).hex());
    }

    Result<void> unpack_blob(const std::string& blob, const Digest& diff_id) {
        const Descriptor descriptor{.digest = Digest::of(blob), .size = blob.size()};
        TRY(store_->put_blob(descriptor.digest, blob));
        return store_->unpack_layer(descriptor, diff_id, {});
    }
    Result<void> unpack(const std::string& tar) { return unpack_blob(tar, Digest::of(tar)); }
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
    ImageRecord add(const testing::TestImage& image, const std::string& tag = "") {
        for (const auto& layer : image.layers) EXPECT_TRUE(unpack(layer));
        const auto id = Digest::of(image.config);
        EXPECT_TRUE(store_->put_blob(id, image.config));
        auto added = store_->add_image(id, {}, tag, "");
        EXPECT_TRUE(added) << added.error().what();
        return added.value_or(ImageRecord{});
    }
    Result<std::vector<std::string>> load(const std::string& archive) {
        auto [reader, writer] = *sys::make_pipe();
        std::thread feeder([&archive, fd = std::move(writer)] { (void)sys::write_all(fd, archive); });
        auto loaded = store_->load(reader, {});
        char rest[4096];
        while (::read(reader.raw(), rest, sizeof rest) > 0) {}
        feeder.join();
        return loaded;
    }
    static struct stat look(const std::string& path) {
        struct stat about{};
        EXPECT_EQ(::lstat(path.c_str(), &about), 0) << path;
        return about;
    }

    test::TempDir directory_;
    std::unique_ptr<Store> store_;
};

using UnpackTest = StoreTest;
using LoadTest = StoreTest;

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

TEST_F(UnpackTest, TakesManyEntries) {
    TarBuilder tar;
    for (int i = 0; i < 100'000; ++i) tar.file(std::format("d{}/f{}", i / 1000, i), "");
    const auto archive = tar.finish();
    const auto unpacked = unpack(archive);
    ASSERT_TRUE(unpacked) << unpacked.error().what();
    EXPECT_EQ(sys::list_dir(layer_path(archive) + "/d99")->size(), 1000U);
}

std::string zstd(const std::string& bytes) {
    std::string compressed(ZSTD_compressBound(bytes.size()), '\0');
    compressed.resize(ZSTD_compress(compressed.data(), compressed.size(), bytes.data(), bytes.size(), 3));
    return compressed;
}

TEST_F(UnpackTest, RefusesADecompressionBomb) {
    const auto tar = TarBuilder().file("zeros", std::string(192U << 20U, '\0')).finish();
    const auto unpacked = unpack_blob(zstd(tar), Digest::of(tar));
    ASSERT_FALSE(unpacked);
    EXPECT_THAT(unpacked.error().what(), ::testing::HasSubstr("bomb"));
    expect_nothing_left(tar);
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
    ASSERT_TRUE(store_->put_blob(Digest::of(tar), tar));
    const std::atomic<bool> cancelled = true;
    const auto unpacked =
        store_->unpack_layer({.digest = Digest::of(tar), .size = tar.size()}, Digest::of(tar), {}, &cancelled);
    ASSERT_FALSE(unpacked);
    EXPECT_EQ(unpacked.error().kind(), Kind::cancelled);
    expect_nothing_left(tar);
}

TEST_F(StoreTest, ABlobResumesAndIsVerified) {
    const std::string bytes(100'000, 'b');
    const Descriptor descriptor{.digest = Digest::of(bytes), .size = bytes.size()};
    {
        auto writer = *store_->write_blob(descriptor);
        ASSERT_TRUE(writer->write(std::string_view(bytes).substr(0, 60'000)));
    }
    EXPECT_FALSE(*store_->has_blob(descriptor.digest));
    auto writer = *store_->write_blob(descriptor);
    EXPECT_EQ(writer->offset(), 60'000U);
    ASSERT_TRUE(writer->write(std::string_view(bytes).substr(60'000)));
    EXPECT_EQ(writer->write("more").error().kind(), Kind::corrupt);
    ASSERT_TRUE(writer->commit());
    EXPECT_EQ(*store_->read_blob(descriptor.digest, 1U << 20U), bytes);

    const Descriptor wrong{.digest = Digest::of("right"), .size = 5};
    auto liar = *store_->write_blob(wrong);
    ASSERT_TRUE(liar->write("wrong"));
    EXPECT_EQ(liar->commit().error().kind(), Kind::corrupt);
    EXPECT_FALSE(*store_->has_blob(wrong.digest));
    EXPECT_EQ((*store_->write_blob(wrong))->offset(), 0U);
}

TEST_F(StoreTest, FindsTagsAndRemovesImages) {
    const auto shared = one_file_layer("base", "b");
    const auto first = add(make_image({shared, one_file_layer("one", "1")}), "docker.io/library/one:latest");
    const auto second = add(make_image({shared, one_file_layer("two", "2")}), "docker.io/library/two:latest");
    for (const auto& name : {std::string("one"), std::string("docker.io/library/one:latest"), first.id.text(),
                             std::string(first.id.hex().substr(0, 12))}) {
        const auto found = store_->find(name);
        ASSERT_TRUE(found) << name;
        EXPECT_EQ(found->id, first.id);
    }
    for (const auto* name : {"absent", "sha256:", "", "one:v2"})
        EXPECT_EQ(store_->find(name).error().kind(), Kind::not_found) << name;

    ASSERT_TRUE(store_->tag(first.id, *Reference::parse("uno:v1")));
    auto removed = store_->remove("uno:v1", false, {});
    ASSERT_TRUE(removed);
    EXPECT_EQ(removed->untagged, std::vector<std::string>{"uno:v1"});
    EXPECT_TRUE(removed->deleted.empty());

    EXPECT_EQ(store_->remove("one", false, {first.id}).error().kind(), Kind::conflict);
    removed = store_->remove("one", false, {});
    ASSERT_TRUE(removed) << removed.error().what();
    EXPECT_THAT(removed->deleted, ::testing::Contains(first.id.text()));
    EXPECT_TRUE(*store_->has_layer(Digest::of(shared)));
    EXPECT_FALSE(*store_->has_layer(Digest::of(one_file_layer("one", "1"))));
    ASSERT_TRUE(store_->remove(second.id.text(), false, {}));
    EXPECT_TRUE(sys::list_dir(root() + "/layers")->empty());
    EXPECT_TRUE(store_->list()->empty());
}

TEST_F(StoreTest, ARootListsEveryLayerOnce) {
    const auto a = one_file_layer("a", "1");
    const auto b = one_file_layer("b", "2");
    const auto image = add(make_image({a, b, a}), "docker.io/library/x:latest");
    const auto rootfs = store_->create_rootfs("c1", image.id);
    ASSERT_TRUE(rootfs) << rootfs.error().what();
    EXPECT_EQ(rootfs->lower, (std::vector<std::string>{layer_path(a), layer_path(b)}));
    ASSERT_TRUE(sys::write_file(rootfs->upper + "/new", "12345"));
    EXPECT_EQ(*store_->rootfs_size("c1"), 5U);
    EXPECT_EQ(store_->rootfs("c1")->upper, rootfs->upper);
    ASSERT_TRUE(store_->remove_rootfs("c1"));
    EXPECT_EQ(store_->rootfs("c1").error().kind(), Kind::not_found);
    EXPECT_FALSE(sys::exists(rootfs->directory));
}

TEST_F(StoreTest, AnImageWithoutLayersHasARoot) {
    const auto image = add(make_image({}));
    const auto rootfs = store_->create_rootfs("c1", image.id);
    ASSERT_TRUE(rootfs) << rootfs.error().what();
    ASSERT_EQ(rootfs->lower.size(), 1U);
    EXPECT_TRUE(sys::list_dir(rootfs->lower[0])->empty());
}

TEST_F(StoreTest, RecoversFromEveryHalfState) {
    const auto image = add(make_image({one_file_layer("a", "1")}), "docker.io/library/x:latest");
    ASSERT_TRUE(store_->create_rootfs("kept", image.id));
    ASSERT_TRUE(store_->create_rootfs("lost", image.id));
    store_.reset();
    const auto orphan = std::string(64, 'e');
    for (const auto& path : {"/ingest/layer-half/fs", "/rootfs/half/upper"}) ASSERT_TRUE(sys::make_dirs(root() + path));
    ASSERT_TRUE(sys::make_dirs(root() + "/layers/" + orphan + "/fs"));
    ASSERT_TRUE(sys::write_file(root() + "/blobs/sha256/" + orphan, "orphan"));
    ASSERT_TRUE(sys::write_file(root() + "/ingest/sha256-" + orphan + ".part", "resumable"));

    store_ = *Store::open(root());
    const auto recovered = store_->recover({"kept"});
    ASSERT_TRUE(recovered) << recovered.error().what();
    EXPECT_FALSE(sys::exists(root() + "/ingest/layer-half"));
    EXPECT_TRUE(sys::exists(root() + "/ingest/sha256-" + orphan + ".part"));
    EXPECT_FALSE(sys::exists(root() + "/layers/" + orphan));
    EXPECT_FALSE(sys::exists(root() + "/blobs/sha256/" + orphan));
    EXPECT_FALSE(sys::exists(root() + "/rootfs/half"));
    EXPECT_FALSE(store_->rootfs("lost"));
    EXPECT_TRUE(store_->rootfs("kept"));
    EXPECT_EQ(store_->find("x")->id, image.id);
}

std::string docker_archive(const testing::TestImage& image, const Json& tags) {
    Json layers = Json::array();
    TarBuilder tar;
    for (std::size_t i = 0; i < image.layers.size(); ++i) {
        const auto name = std::format("{}/layer.tar", i);
        tar.file(name, image.layers[i]);
        layers.push_back(name);
    }
    tar.file("config.json", image.config);
    tar.file("manifest.json",
             Json::array({{{"Config", "config.json"}, {"RepoTags", tags}, {"Layers", layers}}}).dump());
    return tar.finish();
}

TEST_F(LoadTest, ReadsWhatDockerSaves) {
    const auto image = make_image({one_file_layer("a", "1")});
    const auto loaded = load(zstd(docker_archive(image, {"busybox:latest"})));
    ASSERT_TRUE(loaded) << loaded.error().what();
    EXPECT_EQ(*loaded, std::vector<std::string>{"docker.io/library/busybox:latest"});
    EXPECT_EQ(store_->find("busybox")->id.text(), image.id());
    EXPECT_TRUE(sys::list_dir(root() + "/ingest")->empty());
    EXPECT_EQ(*load(docker_archive(image, nullptr)), std::vector<std::string>{image.id()});
}

TEST_F(LoadTest, ReadsAnOciLayout) {
    const auto image = make_image({one_file_layer("a", "1")});
    auto entry = testing::descriptor_of("application/vnd.oci.image.manifest.v1+json", image.manifest);
    entry["annotations"] = {{"org.opencontainers.image.ref.name", "quay.io/team/app:v1"}};
    TarBuilder tar;
    tar.file("oci-layout", R"({"imageLayoutVersion":"1.0.0"})")
        .file("index.json", Json{{"schemaVersion", 2}, {"manifests", {entry}}}.dump());
    for (const auto& [digest, bytes] : image.blobs) tar.file("blobs/sha256/" + digest.substr(7), bytes);
    tar.file("blobs/sha256/" + image.digest().substr(7), image.manifest);
    const auto loaded = load(tar.finish());
    ASSERT_TRUE(loaded) << loaded.error().what();
    EXPECT_EQ(*loaded, std::vector<std::string>{"quay.io/team/app:v1"});
    EXPECT_EQ(store_->find("quay.io/team/app:v1")->manifest.text(), image.digest());
}

TEST_F(LoadTest, RefusesOtherArchives) {
    EXPECT_EQ(load(TarBuilder().file("hello", "x").finish()).error().kind(), Kind::invalid);
    EXPECT_FALSE(load(std::string(4096, 'x')));
    EXPECT_FALSE(load(TarBuilder().symlink("manifest.json", "/etc/passwd").finish()));
    EXPECT_TRUE(sys::list_dir(root() + "/ingest")->empty());
}

}  // namespace
}  // namespace diatom::image
