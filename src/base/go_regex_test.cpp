#include "base/go_regex.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>

namespace diatom {
namespace {

using testing::HasSubstr;

bool matches(const std::string& text, const std::string& name) {
    const auto regex = GoRegex::compile(text);
    EXPECT_TRUE(regex) << text << ": " << regex.error().what();
    return regex && regex->matches(name);
}

// What Go's regexp.MatchString says of each.
TEST(GoRegex, MeansWhatGoMeans) {
    struct Case {
        const char* text;
        const char* matched;
        const char* other;
    };
    for (const auto& [text, matched, other] : {
             Case{"^web|db$", "my-db", "my-web"},
             Case{"^a\\d{2}$", "a12", "add"},
             Case{"^a\\D$", "ax", "a1"},
             Case{"^\\w+\\.x$", "a_b.x", "a-b.x"},
             Case{"^a\\sb$", "a\tb", "a\vb"},
             Case{"^\\S\\W$", "a-", "ab"},
             Case{"\\bweb\\b", "my-web-1", "myweb"},
             Case{"\\Bweb", "myweb", "my-web"},
             Case{"\\Aweb\\z", "web", "web1"},
             Case{"^a.c$", "abc", "a\nc"},
             Case{"^[]a]z$", "]z", "bz"},
             Case{"^[^]a]z$", "bz", "]z"},
             Case{"^[a-c\\d_-]+$", "b1_-", "d"},
             Case{"^[\\]^[-]+$", "][^-", "a"},
             Case{"^[\\^]$", "^", "a"},
             Case{"^[[:alpha:]]+$", "aZ", "a1"},
             Case{"^[[:^alpha:]]+$", "12", "1a"},
             Case{"^[[.a.]$", "[", "b"},
             Case{"^[\\s\\S]+$", "a\nb", ""},
             Case{"^[\\n\\t]$", "\n", "n"},
             Case{"^[^\\W]$", "a", "-"},
             Case{"^(?:ab)+$", "abab", "aba"},
             Case{"^(?P<n>ab)(?<m>c)$", "abc", "ab"},
             Case{"^a*?b+?c??$", "aabb", "c"},
             Case{"^a{,2}$", "a{,2}", "aa"},
             Case{"^a{x}{$", "a{x}{", "a"},
             Case{"^a{2,}b{0,1}$", "aaa", "a"},
             Case{"^(a{2}){2}$", "aaaa", "aaa"},
             Case{"^\\<\\>\\`\\'\\_\\-$", "<>`'_-", "_-"},
             Case{"^(|a)b$", "b", "aab"},
             Case{"^()a||b$", "anything", nullptr},
             Case{"", "anything", nullptr},
             Case{"é$", "café", "cafe"},
             Case{"^é{2}$", "éé", "é"},
             Case{"^caf.$", "café", "cafes"},
             Case{"^\\D[^x]$", "éé", "é"},
             Case{"a$\\W", nullptr, "a\nb"},
         }) {
        EXPECT_TRUE(matched == nullptr || matches(text, matched)) << text << " and " << matched;
        EXPECT_FALSE(other != nullptr && matches(text, other)) << text << " and " << other;
    }
    EXPECT_TRUE(matches("(?i)WEB[a-f]", "my-webD"));
    EXPECT_TRUE(matches("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", "0b5e4f6c-0000-4000-8000-00000000cafe"));
}

TEST(GoRegex, RefusesWhatGoRefuses) {
    for (const auto& [text, why] : {
             std::pair{"[", "missing closing ]"},
             {"[a", "missing closing ]"},
             {"(a", "missing closing )"},
             {"a)", "unexpected )"},
             {"a\\", "trailing backslash"},
             {"*a", "missing argument to repetition operator: `*`"},
             {"(+a)", "missing argument"},
             {"a|*", "missing argument"},
             {"a**", "invalid nested repetition operator: `**`"},
             {"a{2}{3}", "invalid nested repetition operator: `{2}{3}`"},
             {"a*?+", "nested repetition"},
             {"a{3,2}", "invalid repeat count: `{3,2}`"},
             {"a{1001}", "invalid repeat count"},
             {"a{99999999999}", "invalid repeat count"},
             {"[b-a]", "invalid character class range: `b-a`"},
             {"[[:word]:]]", "invalid character class range"},
             {"[a-\\d]", "invalid escape sequence"},
             {"\\y", "invalid escape sequence: `\\y`"},
             {"(?P<>a)", "invalid named capture"},
             {"\xff{\x9f", "invalid UTF-8"},
             {"{\x9f", "invalid UTF-8"},
             {"\xe4\xb8", "invalid UTF-8"},
         }) {
        const auto regex = GoRegex::compile(text);
        ASSERT_FALSE(regex) << text;
        EXPECT_EQ(regex.error().kind(), Kind::invalid);
        EXPECT_THAT(regex.error().what(), HasSubstr(why)) << text;
    }
}

TEST(GoRegex, RefusesByNameWhatPosixCannotSay) {
    for (const auto& [text, why] : {
             std::pair{"a(?i)b", "\"(?i\""},
             {"(?s).", "\"(?s\""},
             {"(?i:a)", "\"(?i\""},
             {"\\p{L}", "\"\\p\""},
             {"\\QA\\E", "\"\\Q\""},
             {"\\1", "\"\\1\""},
             {"\\x41", "\"\\x\""},
             {"[é]", "beyond ASCII"},
             {"[^\\s\\S]", "matches nothing"},
             {"^*", "repetition of a place"},
             {"((a{99}){99}){99}", "too large"},
         }) {
        const auto regex = GoRegex::compile(text);
        ASSERT_FALSE(regex) << text;
        EXPECT_EQ(regex.error().kind(), Kind::invalid);
        EXPECT_THAT(regex.error().what(), HasSubstr(why)) << text;
    }
    EXPECT_FALSE(GoRegex::compile(std::string(GoRegex::kLongest + 1, 'a')));
    EXPECT_FALSE(GoRegex::compile(std::string("a\0b", 3)));
}

// Every byte by itself, and all brackets of two characters: what is in them, and nothing else.
TEST(GoRegex, WritesEachBracketSoThatPosixReadsIt) {
    for (unsigned a = 1; a < 128; ++a) {
        for (const char b : {']', '^', '[', '-', '.', ':', '=', 'x'}) {
            const char c = static_cast<char>(a);
            const bool letter = std::isalnum(static_cast<unsigned char>(c)) != 0;
            const std::string escaped = letter ? std::string(1, c) : std::string{'\\', c};
            const std::string other = b == 'x' ? "x" : std::string{'\\', b};
            const auto regex = GoRegex::compile("^[" + escaped + other + "]$");
            ASSERT_TRUE(regex) << escaped << other << ": " << regex.error().what();
            for (unsigned d = 1; d < 256; ++d) {
                const std::string text(1, static_cast<char>(d));
                EXPECT_EQ(regex->matches(text), text[0] == c || text[0] == b) << escaped << other << " and " << d;
            }
        }
    }
}

}  // namespace
}  // namespace diatom
