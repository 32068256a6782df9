#include "base/strings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace diatom {
namespace {

using testing::ElementsAre;
using testing::Eq;
using testing::IsEmpty;
using testing::Optional;

TEST(Strings, Trim) {
    EXPECT_EQ(trim(" \t a b\r\n"), "a b");
    EXPECT_EQ(trim("   "), "");
    EXPECT_EQ(trim(""), "");
}

TEST(Strings, SplitKeepsEmptyParts) {
    EXPECT_THAT(split("a,,b,", ','), ElementsAre("a", "", "b", ""));
    EXPECT_THAT(split("", ','), ElementsAre(""));
}

TEST(Strings, SplitWordsSkipsRuns) {
    EXPECT_THAT(split_words("  a\tb \n c"), ElementsAre("a", "b", "c"));
    EXPECT_THAT(split_words(" \n "), IsEmpty());
    EXPECT_THAT(split_words(""), IsEmpty());
}

TEST(Strings, Join) {
    const std::vector<std::string> parts{"a", "b", "c"};
    EXPECT_EQ(join(parts, ", "), "a, b, c");
    EXPECT_EQ(join({}, ", "), "");
    EXPECT_EQ(join(std::vector<std::string>{"", ""}, "-"), "-");
}

TEST(Strings, CutAtFirstAndLast) {
    EXPECT_EQ(cut("k=v=w", '=')->second, "v=w");
    EXPECT_EQ(cut_last("k=v=w", '=')->first, "k=v");
    EXPECT_EQ(cut("=", '=')->first, "");
    EXPECT_FALSE(cut("none", '='));
    EXPECT_FALSE(cut_last("", '='));
}

TEST(Strings, ParseIntTakesAllOrNothing) {
    EXPECT_THAT(parse_int("-42"), Optional(-42));
    EXPECT_THAT(parse_int("9223372036854775807"), Optional(INT64_MAX));
    for (const auto* bad : {"", " 1", "1 ", "+1", "0x10", "9223372036854775808", "1.0", "-"}) {
        EXPECT_FALSE(parse_int(bad)) << bad;
    }
    EXPECT_THAT(parse_uint("18446744073709551615"), Optional(UINT64_MAX));
    EXPECT_FALSE(parse_uint("-1"));
}

TEST(Strings, ParseBytesCountsAsDockerDoes) {
    EXPECT_THAT(parse_bytes("0"), Optional(0U));
    EXPECT_THAT(parse_bytes("512"), Optional(512U));
    EXPECT_THAT(parse_bytes("512b"), Optional(512U));
    EXPECT_THAT(parse_bytes("10m"), Optional(10U << 20U));
    EXPECT_THAT(parse_bytes("10M"), Optional(10U << 20U));
    EXPECT_THAT(parse_bytes("64KiB"), Optional(64U << 10U));
    EXPECT_THAT(parse_bytes("64kb"), Optional(64U << 10U));
    EXPECT_THAT(parse_bytes("1g"), Optional(1U << 30U));
    EXPECT_THAT(parse_bytes("16383p"), Optional(std::uint64_t{16383} << 50U));
    for (const auto* bad : {"", "m", "-1", "1x", "1mm", "16384p", "99999999999999999999", "1 m", "ib"}) {
        EXPECT_FALSE(parse_bytes(bad)) << bad;
    }
}

TEST(Strings, FormatBytes) {
    EXPECT_EQ(format_bytes(0), "0 B");
    EXPECT_EQ(format_bytes(1023), "1023 B");
    EXPECT_EQ(format_bytes(10905190), "10.4 MiB");
    EXPECT_EQ(format_bytes(UINT64_MAX), "16777216.0 TiB");
}

TEST(Strings, Hex) {
    EXPECT_EQ(to_hex(std::array<std::uint8_t, 4>{0, 15, 0xa0, 0xff}), "000fa0ff");
    EXPECT_EQ(to_hex({}), "");
}

TEST(Strings, Base64Vectors) {  // RFC 4648 section 10
    const std::array<std::pair<std::string_view, std::string_view>, 7> vectors{{{"", ""},
                                                                                {"f", "Zg=="},
                                                                                {"fo", "Zm8="},
                                                                                {"foo", "Zm9v"},
                                                                                {"foob", "Zm9vYg=="},
                                                                                {"fooba", "Zm9vYmE="},
                                                                                {"foobar", "Zm9vYmFy"}}};
    for (const auto& [plain, coded] : vectors) {
        EXPECT_EQ(encode_base64(plain), coded);
        EXPECT_THAT(decode_base64(coded), Optional(Eq(plain)));
    }
}

TEST(Strings, Base64OfEveryByteComesBack) {
    std::string bytes;
    for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
    for (std::size_t length = 0; length <= bytes.size(); ++length) {
        EXPECT_THAT(decode_base64(encode_base64(bytes.substr(0, length))), Optional(Eq(bytes.substr(0, length))));
    }
}

TEST(Strings, Base64AcceptsTheUrlAlphabetAndNoPadding) {
    EXPECT_THAT(decode_base64("-_8"), Optional(Eq("\xfb\xff")));
    EXPECT_THAT(decode_base64("+/8="), Optional(Eq("\xfb\xff")));
    for (const auto* bad : {"A", "AAAAA", "AA AA", "A=AA", "\xff\xff\xff\xff"}) EXPECT_FALSE(decode_base64(bad)) << bad;
}

TEST(Strings, ToLowerIsAsciiOnly) { EXPECT_EQ(to_lower("AZ-\xc3\x84"), "az-\xc3\x84"); }

TEST(Strings, NearestFindsTypos) {
    constexpr std::array<std::string_view, 3> kKeys{"hostname", "network", "services"};
    EXPECT_THAT(nearest("hostnam", kKeys), Optional(Eq("hostname")));
    EXPECT_THAT(nearest("netwrok", kKeys), Optional(Eq("network")));
    EXPECT_FALSE(nearest("completely-else", kKeys));
    EXPECT_FALSE(nearest("x", {}));
}

}  // namespace
}  // namespace diatom
