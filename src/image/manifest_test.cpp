#include "image/manifest.h"

#include <gtest/gtest.h>

namespace diatom::image {
namespace {

constexpr const char* kOciManifest = "application/vnd.oci.image.manifest.v1+json";
constexpr const char* kOciIndex = "application/vnd.oci.image.index.v1+json";

std::string digest(char c) { return "sha256:" + std::string(64, c); }
Json descriptor(char c, std::int64_t size = 7) {
    return {{"mediaType", "application/vnd.oci.image.layer.v1.tar+gzip"}, {"digest", digest(c)}, {"size", size}};
}
Json manifest() {
    return {{"schemaVersion", 2}, {"config", descriptor('c')}, {"layers", {descriptor('1'), descriptor('2')}}};
}
Json offer(char c, const std::string& architecture, const std::string& variant = "") {
    auto entry = descriptor(c);
    entry["platform"] = {{"os", "linux"}, {"architecture", architecture}, {"variant", variant}};
    return entry;
}

Kind refusal(const Json& document, std::string_view type = "") {
    const auto decoded = decode_manifest(document.dump(), type);
    EXPECT_FALSE(decoded) << document;
    return decoded ? Kind::bug : decoded.error().kind();
}

Index index(const Json& manifests) {
    auto decoded = decode_manifest(Json{{"schemaVersion", 2}, {"manifests", manifests}}.dump(), kOciIndex);
    EXPECT_TRUE(decoded) << decoded.error().what();
    return std::get<Index>(*decoded);
}

TEST(Manifest, DecodesLayersInOrder) {
    const auto decoded = decode_manifest(manifest().dump(), std::string(kOciManifest) + "; charset=utf-8");
    ASSERT_TRUE(decoded) << decoded.error().what();
    const auto& image = std::get<Manifest>(*decoded);
    EXPECT_EQ(image.config.digest.text(), digest('c'));
    ASSERT_EQ(image.layers.size(), 2U);
    EXPECT_EQ(image.layers[1].digest.text(), digest('2'));
    EXPECT_EQ(image.layers[1].size, 7U);
}

TEST(Manifest, RefusesADocumentThatIsTwo) {
    auto both = manifest();
    both["manifests"] = Json::array();
    EXPECT_EQ(refusal(both), Kind::invalid);
}

TEST(Manifest, RefusesATypeThatContradictsTheDocument) {
    EXPECT_EQ(refusal(manifest(), kOciIndex), Kind::invalid);
    auto claims = manifest();
    claims["mediaType"] = kOciIndex;
    EXPECT_EQ(refusal(claims), Kind::invalid);
}

TEST(Manifest, RefusesSchema1) {
    EXPECT_EQ(refusal({{"schemaVersion", 1}, {"fsLayers", Json::array()}}), Kind::unsupported);
}

TEST(Manifest, RefusesAbsurdDescriptors) {
    for (const std::int64_t size : {std::int64_t{-1}, INT64_MAX}) {
        auto document = manifest();
        document["layers"][0]["size"] = size;
        EXPECT_EQ(refusal(document), Kind::invalid);
    }
    auto document = manifest();
    document["layers"][0]["digest"] = "sha256:../../etc/passwd";
    EXPECT_EQ(refusal(document), Kind::invalid);
    document = manifest();
    document["layers"] = Json(kMaxLayers + 1, descriptor('1'));
    EXPECT_EQ(refusal(document), Kind::invalid);
    EXPECT_EQ(refusal(Json::array()), Kind::invalid);
    EXPECT_EQ(refusal(Json::object()), Kind::invalid);
}

TEST(Index, ChoosesThePlatform) {
    const auto images = index({offer('a', "arm64", "v8"), offer('b', "amd64"), offer('c', "amd64", "v3")});
    const auto chosen = images.select({.os = "linux", .architecture = "amd64", .variant = ""});
    ASSERT_TRUE(chosen);
    EXPECT_EQ(chosen->digest.text(), digest('b'));
    EXPECT_EQ(images.select({.os = "linux", .architecture = "arm64", .variant = ""})->digest.text(), digest('a'));
    EXPECT_EQ(images.select({.os = "linux", .architecture = "amd64", .variant = "v3"})->digest.text(), digest('c'));
}

TEST(Index, PrefersTheHighestVariantThatRuns) {
    const auto images = index({offer('5', "arm", "v5"), offer('6', "arm", "v6"), offer('7', "arm", "v7")});
    EXPECT_EQ(images.select({.os = "linux", .architecture = "arm", .variant = "v6"})->digest.text(), digest('6'));
    EXPECT_EQ(images.select({.os = "linux", .architecture = "arm", .variant = ""})->digest.text(), digest('7'));
}

TEST(Index, NamesWhatItOffers) {
    const auto chosen = index({offer('a', "s390x"), offer('b', "arm64", "v8")}).select(Platform{"linux", "amd64", ""});
    ASSERT_FALSE(chosen);
    EXPECT_EQ(chosen.error().kind(), Kind::not_found);
    EXPECT_EQ(
        chosen.error().what(),
        "no matching manifest for linux/amd64 in the manifest list entries: it offers linux/s390x, linux/arm64/v8");
}

TEST(Platform, ParsesWhatDockerAccepts) {
    EXPECT_EQ(Platform::parse("linux/x86_64")->text(), "linux/amd64");
    EXPECT_EQ(Platform::parse("linux/aarch64")->architecture, "arm64");
    EXPECT_EQ(Platform::parse("linux/arm64/v8")->text(), "linux/arm64/v8");
    EXPECT_EQ(Platform::parse("amd64")->text(), "linux/amd64");
    for (const auto* text : {"", "linux/", "a/b/c/d", "linux/am d64"}) EXPECT_FALSE(Platform::parse(text)) << text;
    EXPECT_EQ(Platform::parse("LINUX")->os, "linux");
    EXPECT_EQ(Platform::parse("macos/arm64")->os, "darwin");
    EXPECT_TRUE(Platform::parse("   ").error().what().contains("invalid OS component"));
    EXPECT_TRUE(Platform::parse("nintendo64").error().what().contains("unknown operating system or architecture"));
}

TEST(Layers, AreOfKnownTypes) {
    EXPECT_EQ(*layer_compression("application/vnd.oci.image.layer.v1.tar+zstd"), Compression::zstd);
    EXPECT_EQ(*layer_compression("application/vnd.docker.image.rootfs.diff.tar.gzip"), Compression::gzip);
    EXPECT_EQ(layer_compression("application/vnd.oci.image.layer.v1.tar+gzip+encrypted").error().kind(),
              Kind::unsupported);
    EXPECT_EQ(layer_compression("application/vnd.cncf.helm.chart.content.v1.tar+gzip").error().kind(),
              Kind::unsupported);
}

Json image_config() {
    return {{"os", "linux"},
            {"architecture", "amd64"},
            {"rootfs", {{"type", "layers"}, {"diff_ids", {digest('d')}}}},
            {"config",
             {{"Env", {"PATH=/bin"}},
              {"Cmd", {"sh"}},
              {"Entrypoint", nullptr},
              {"ExposedPorts", {{"80/tcp", Json::object()}}}}}};
}

TEST(ImageConfig, DecodesWhatARunNeeds) {
    const auto image = ImageConfig::decode(image_config().dump());
    ASSERT_TRUE(image) << image.error().what();
    EXPECT_EQ(image->env, std::vector<std::string>{"PATH=/bin"});
    EXPECT_EQ(image->exposed_ports, std::vector<std::string>{"80/tcp"});
    EXPECT_TRUE(image->entrypoint.empty());
    EXPECT_TRUE(image->healthcheck.is_null());
    ASSERT_EQ(image->diff_ids.size(), 1U);
    EXPECT_EQ(image->diff_ids[0].text(), digest('d'));
}

TEST(ImageConfig, RefusesWhatWouldMislead) {
    auto nul = image_config();
    nul["config"]["Env"] = {std::string("A=b\0c", 5)};
    EXPECT_FALSE(ImageConfig::decode(nul.dump()));
    auto not_a_list = image_config();
    not_a_list["config"]["Cmd"] = "sh";
    EXPECT_FALSE(ImageConfig::decode(not_a_list.dump()));
    EXPECT_FALSE(ImageConfig::decode(R"({"os":"linux"})"));
    EXPECT_FALSE(ImageConfig::decode("[1]"));
}

}  // namespace
}  // namespace diatom::image
