#include "image/load.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "image/testing/store_fixture.h"
#include "sys/file.h"
#include "sys/socket.h"

namespace diatom::image {
namespace {

using testing::make_image;
using testing::one_file_layer;
using testing::TarBuilder;
using testing::zstd;

class LoadTest : public testing::StoreFixture {
protected:
    Result<std::vector<std::string>> load(const std::string& archive) {
        auto [reader, writer] = *sys::make_pipe();
        std::thread feeder([&archive, fd = std::move(writer)] { (void)sys::write_all(fd, archive); });
        auto loaded = store_->load(reader, {});
        char rest[4096];
        while (::read(reader.raw(), rest, sizeof rest) > 0) {}
        feeder.join();
        return loaded;
    }
};

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

TEST_F(LoadTest, KeepsNothingOfWhatDidNotLoad) {
    const auto first = one_file_layer("a", "1");
    const auto image = make_image({first, one_file_layer("b", "2")});
    const auto manifest = Json::array({{{"Config", "c"}, {"RepoTags", {"a:b"}}, {"Layers", {"1.tar", "2.tar"}}}});
    TarBuilder tar;
    tar.file("c", image.config).file("1.tar", first).file("2.tar", one_file_layer("b", "other"));
    EXPECT_EQ(load(tar.file("manifest.json", manifest.dump()).finish()).error().kind(), Kind::corrupt);
    EXPECT_FALSE(*store_->has_layer(Digest::of(first)));
    EXPECT_TRUE(sys::list_dir(root() + "/layers")->empty());
}

TEST_F(LoadTest, RefusesOtherArchives) {
    EXPECT_EQ(load(TarBuilder().file("hello", "x").finish()).error().kind(), Kind::invalid);
    EXPECT_FALSE(load(std::string(4096, 'x')));
    EXPECT_FALSE(load(TarBuilder().symlink("manifest.json", "/etc/passwd").finish()));
    EXPECT_TRUE(sys::list_dir(root() + "/ingest")->empty());
}

// CVE-2014-9356, CVE-2014-9358: names in an archive of images, and links in it, that lead to files of the host. Each is
// an image that would load, if they did.
TEST_F(LoadTest, TakesNothingFromOutsideTheArchive) {
    const auto layer = one_file_layer("a", "1");
    const auto image = make_image({layer});
    const auto outside = directory_ / "outside";
    ASSERT_TRUE(sys::write_file(outside, image.config));
    const auto up = "../../../../../../.." + outside;
    const auto manifest = [&](const std::string& config) {
        return Json::array({{{"Config", config}, {"RepoTags", {"a:b"}}, {"Layers", {"layer.tar"}}}}).dump();
    };
    EXPECT_TRUE(load(
        TarBuilder().file("c", image.config).file("layer.tar", layer).file("manifest.json", manifest("c")).finish()));
    ASSERT_TRUE(store_->remove(image.id(), true, {}));
    for (const auto& name : {outside, up})
        EXPECT_FALSE(load(TarBuilder().file("layer.tar", layer).file("manifest.json", manifest(name)).finish()))
            << name;
    for (const auto& target : {outside, up}) {
        TarBuilder tar;
        tar.symlink("c", target).file("layer.tar", layer).file("manifest.json", manifest("c"));
        EXPECT_FALSE(load(tar.finish())) << target;
        EXPECT_FALSE(load(TarBuilder().hardlink("c", target).file("manifest.json", manifest("c")).finish())) << target;
    }
    EXPECT_FALSE(load(TarBuilder().character_device("manifest.json", 1, 5).finish()));
    EXPECT_FALSE(load(TarBuilder().fifo("manifest.json").finish()));
    EXPECT_TRUE(store_->list()->empty());
    EXPECT_TRUE(sys::list_dir(root() + "/ingest")->empty());
}

}  // namespace
}  // namespace diatom::image
