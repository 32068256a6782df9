#include "image/digest.h"

#include <gtest/gtest.h>

namespace diatom::image {
namespace {

// FIPS 180-4's example message.
constexpr const char* kAbc256 = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr const char* kAbc512 =
    "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";

TEST(Digest, HashesTheStandardsExample) {
    EXPECT_EQ(Digest::of("abc").text(), kAbc256);
    Hasher hasher("sha512");
    hasher.update("a");
    hasher.update("bc");
    EXPECT_EQ(hasher.finish().text(), kAbc512);
}

TEST(Digest, TakesItselfApart) {
    const auto digest = Digest::parse(kAbc256);
    ASSERT_TRUE(digest);
    EXPECT_EQ(digest->algorithm(), "sha256");
    EXPECT_EQ(digest->hex(), std::string_view(kAbc256).substr(7));
    EXPECT_TRUE(Digest().empty());
    EXPECT_EQ(Digest().hex(), "");
}

TEST(Digest, RefusesOtherForms) {
    const std::string hex(64, 'a');
    for (const std::string& text : {std::string(), hex, "sha256:" + hex.substr(1), "sha256:" + hex + "a",
                                    "SHA256:" + hex, "sha256:" + std::string(64, 'A'), "sha256:" + std::string(64, 'g'),
                                    "sha512:" + hex, "sha256:../" + hex.substr(3)}) {
        EXPECT_FALSE(Digest::parse(text)) << text;
    }
    EXPECT_EQ(Digest::parse("md5:" + hex).error().kind(), Kind::unsupported);
}

}  // namespace
}  // namespace diatom::image
