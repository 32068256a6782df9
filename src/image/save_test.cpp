// Images as archives again: each layer's bytes as they came, whatever its archive looked like.
#include "image/save.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "image/layer_recipe.h"
#include "image/testing/archives.h"
#include "image/testing/store_fixture.h"
#include "sys/file.h"

namespace diatom::image {
namespace {

using testing::make_image;
using testing::one_file_layer;
using testing::read_whole;
using testing::TarBuilder;

std::string text_of(ByteSource& source) {
    const auto text = read_whole(source);
    return text ? *text : text.error().what();
}

class SaveTest : public testing::StoreFixture {
protected:
    void expect_same_again(const std::string& archive) {
        const auto unpacked = unpack(archive);
        ASSERT_TRUE(unpacked) << unpacked.error().what();
        const auto layer = store_->open_layer(Digest::of(archive));
        ASSERT_TRUE(layer) << layer.error().what();
        EXPECT_EQ(layer->size, archive.size());
        EXPECT_EQ(text_of(*layer->source), archive);
    }
    ImageRecord add(const testing::TestImage& image, const std::string& tag) {
        for (const auto& layer : image.layers) EXPECT_TRUE(unpack(layer));
        const auto id = *Digest::parse(image.id());
        EXPECT_TRUE(store_->put_blob(id, image.config));
        return *store_->add_image(id, {}, tag, {});
    }
    Result<std::string> save(const std::vector<std::string>& names) {
        const auto source = TRY(save_archive(*store_, TRY(choose_images(*store_, names))));
        return read_whole(*source);
    }
};

TEST_F(SaveTest, OrdinaryEntriesComeBack) {
    TarBuilder tar;
    tar.directory("d").file("d/empty", "").file("d/f", std::string(1'000'000, 'x')).file("./d//odd", "odd");
    tar.hardlink("d/h", "d/f").symlink("l", "d/f").fifo("p").file("d/.wh.gone", "").file("/absolute", "a");
    expect_same_again(tar.finish());
}

TEST_F(SaveTest, ExtendedHeadersComeBack) {
    TarBuilder tar;
    tar.pax("path=" + std::string(150, 'n') + "/\xe9\xc3\xa9").file("x", "long");
    tar.pax("SCHILY.xattr.user.a=b").pax("size=5").file("y", "12345");
    expect_same_again(tar.finish());
}

TEST_F(SaveTest, UnusualEndsComeBack) {
    const auto tar = TarBuilder().file("f", "contents").finish();
    expect_same_again(tar + std::string(20 * 512, '\0'));
    expect_same_again(tar.substr(0, tar.size() - 1024) + std::string(512, '\0'));
    expect_same_again(std::string(1024, '\0'));
    expect_same_again(tar + "garbage behind the end");
}

TEST_F(SaveTest, AFileThatIsThereTwiceIsTold) {
    const auto tar = TarBuilder().file("f", "first").file("f", "again").finish();
    ASSERT_TRUE(unpack(tar));
    const auto layer = store_->open_layer(Digest::of(tar));
    ASSERT_TRUE(layer);
    EXPECT_TRUE(text_of(*layer->source).contains("cannot be written as it was"));
}

TEST_F(SaveTest, ATouchedLayerIsTold) {
    const auto tar = TarBuilder().file("f", "first").finish();
    ASSERT_TRUE(unpack(tar));
    ASSERT_TRUE(sys::write_file(layer_path(tar) + "/f", "x"));
    const auto layer = store_->open_layer(Digest::of(tar));
    ASSERT_TRUE(layer);
    EXPECT_TRUE(text_of(*layer->source).contains("shorter"));
}

TEST_F(SaveTest, WhatIsSavedLoadsElsewhere) {
    const auto base = one_file_layer("etc/motd", "hello");
    const auto image = make_image({base, one_file_layer("bin/big", std::string(300'000, 'x'))});
    const auto other = make_image({base});
    add(image, "docker.io/library/app:v1");
    add(image, "docker.io/library/app:v2");
    add(other, "docker.io/library/other:latest");
    const auto archive = save({"app", "other:latest"});
    ASSERT_TRUE(archive) << archive.error().what();

    const auto elsewhere = Store::open(directory_ / "elsewhere");
    const auto file = sys::memory_file("archive", *archive, false);
    ASSERT_EQ(::lseek(file->raw(), 0, SEEK_SET), 0);
    const auto loaded = (*elsewhere)->load(*file, {});
    ASSERT_TRUE(loaded) << loaded.error().what();
    EXPECT_EQ(loaded->size(), 3U);
    EXPECT_EQ((*elsewhere)->find("app:v2")->id.text(), image.id());
    EXPECT_EQ((*elsewhere)->find("other")->id.text(), other.id());
    EXPECT_TRUE(archive->contains("oci-layout"));
}

TEST_F(SaveTest, ChoosesWhatIsNamed) {
    const auto image = make_image({one_file_layer("a", "b")});
    add(image, "docker.io/library/app:v1");
    add(image, "docker.io/library/app:v2");
    EXPECT_EQ((*choose_images(*store_, {"app:v1"}))[0].tags, std::vector<std::string>{"docker.io/library/app:v1"});
    EXPECT_TRUE((*choose_images(*store_, {image.id()}))[0].tags.empty());
    EXPECT_EQ(choose_images(*store_, {"app", "app:v1"})->size(), 1U);
    EXPECT_EQ(choose_images(*store_, {"nonesuch"}).error().kind(), Kind::not_found);
}

TEST_F(SaveTest, CompressedTwiceIsTheSame) {
    const std::string text = std::string(900'000, 'a') + "end";
    const auto once = text_of(*compress_gzip(memory_source(text)));
    EXPECT_EQ(once, text_of(*compress_gzip(memory_source(text))));
    EXPECT_LT(once.size(), text.size() / 10);
    EXPECT_EQ(text_of(**decompress(memory_source(once))), text);
}

}  // namespace
}  // namespace diatom::image
