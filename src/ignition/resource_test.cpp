#include "ignition/resource.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "cloud/gzip.h"
#include "document/json_reader.h"
#include "ignition/access.h"
#include "ignition/data_url.h"

namespace diatom::ignition {
namespace {

using ::testing::HasSubstr;

// `printf hello | gzip -n | base64`
constexpr std::string_view kHello = "H4sIAAAAAAAAA8tIzcnJBwCGphA2BQAAAA==";
constexpr std::string_view kHelloSha256 = "sha256-2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

Fetch nobody() {
    return [](const Request&) -> Result<std::string> { return fail(Kind::bug, "was asked"); };
}

std::string got(const std::string& json, const Fetch& fetch = nobody()) {
    const auto bytes = obtain(*read_json(json, "x"), {}, fetch);
    return bytes ? *bytes : bytes.error().what();
}

TEST(DataUrl, IsDecoded) {
    EXPECT_EQ(*decode_data_url("data:,hello%20world%0A"), "hello world\n");
    EXPECT_EQ(*decode_data_url("data:text/plain;charset=utf-8;base64,aGVsbG8="), "hello");
    EXPECT_EQ(*decode_data_url("DATA:,a+b*c"), "a+b*c");
    EXPECT_EQ(*decode_data_url("data:,"), "");
    for (const auto* url : {"data:", "data:x", "data:,%", "data:,%4", "data:,%zz", "data:;base64,***", "http://x",
                            "data:,\xc3\xa9", "data:,{}", "data:,a b"}) {
        EXPECT_FALSE(decode_data_url(url)) << url;
    }
    std::string all;
    for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
    EXPECT_EQ(*decode_data_url(encode_data_url(all)), all);
}

TEST(Gzip, IsUnpackedWithinBounds) {
    const auto packed = *decode_base64(kHello);
    EXPECT_EQ(*cloud::gunzip(packed, kMaxResource), "hello");
    EXPECT_EQ(*cloud::gunzip(packed + packed, kMaxResource), "hellohello");
    EXPECT_EQ(cloud::gunzip(packed, 4).error().kind(), Kind::exhausted);
    EXPECT_EQ(cloud::gunzip(packed.substr(0, packed.size() - 1), kMaxResource).error().kind(), Kind::corrupt);
    EXPECT_FALSE(cloud::gunzip("", kMaxResource));
    EXPECT_FALSE(cloud::gunzip("hello", kMaxResource));
    EXPECT_FALSE(cloud::gunzip(packed + "x", kMaxResource));
}

TEST(Hashes, AreOfTwoKinds) {
    EXPECT_TRUE(verify(*parse_hash(kHelloSha256), "hello"));
    EXPECT_EQ(verify(*parse_hash(kHelloSha256), "hallo").error().kind(), Kind::corrupt);
    const auto sha512 =
        "sha512-9b71d224bd62f3785d96d46ad3ea3d73319bfbc2890caadae2dff72519673ca72323c3d99ba5c11d7c7acc6e14b8"
        "c5da0c4663475c2e5c3adef46f73bcdec043";
    EXPECT_TRUE(verify(*parse_hash(sha512), "hello"));
    for (const auto* text :
         {"", "sha256", "sha256-", "md5-5d41402abc4b2a76b9719d911017c592", "sha256-zz", "sha512-00"}) {
        EXPECT_FALSE(parse_hash(text)) << text;
    }
}

TEST(Resource, IsUnpackedThenVerified) {
    EXPECT_EQ(got(std::format(R"({{"source":"data:;base64,{}","compression":"gzip","verification":{{"hash":"{}"}}}})",
                              kHello, kHelloSha256)),
              "hello");
    EXPECT_THAT(got(std::format(R"({{"source":"data:,no","verification":{{"hash":"{}"}}}})", kHelloSha256)),
                HasSubstr("its sha256 is"));
    EXPECT_EQ(got("{}"), "");
}

TEST(Resource, IsFetchedWithItsHeaders) {
    Request asked;
    const Fetch fetch = [&](const Request& request) -> Result<std::string> {
        asked = request;
        return "body";
    };
    EXPECT_EQ(got(R"({"source":"https://example.com/x","httpHeaders":[{"name":"A","value":"b"},{"name":"C"}]})", fetch),
              "body");
    EXPECT_EQ(asked.url, "https://example.com/x");
    ASSERT_EQ(asked.headers.size(), 1U);
    EXPECT_EQ(asked.headers[0].value, "b");
    EXPECT_EQ(asked.access.header_timeout_s, 10);
}

TEST(Resource, IsRefusedByItsScheme) {
    EXPECT_THAT(got(R"({"source":"s3://b/k"})"), HasSubstr("credentials"));
    EXPECT_THAT(got(R"({"source":"arn:aws:s3:::b/k"})"), HasSubstr("credentials"));
    EXPECT_THAT(got(R"({"source":"gs://b/k"})"), HasSubstr("credentials"));
    EXPECT_THAT(got(R"({"source":"tftp://h/k"})"), HasSubstr("TFTP"));
    const auto shown = [](const std::string& url) {
        auto reference = Value::map();
        reference.set("source", url);
        return shown_source(reference);
    };
    EXPECT_EQ(shown("https://me:secret@example.com/a?token=1"), "https://example.com/a");
    EXPECT_EQ(shown("http://example.com/a@b"), "http://example.com/a@b");
    EXPECT_EQ(shown("data:,secret"), "data: URL of ?:0");
}

}  // namespace
}  // namespace diatom::ignition
