#include "compose/interpolate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compose/dotenv.h"

namespace diatom::compose {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

std::string with(std::string_view text) {
    static const Environment kEnvironment{{"SET", "value"}, {"EMPTY", ""}};
    const auto made = interpolate(text, {kEnvironment});
    return made ? *made : "error: " + made.error().what();
}

TEST(Interpolate, TheOperatorsOfTheSpecification) {
    EXPECT_EQ(with("$SET ${SET} $SET$SET."), "value value valuevalue.");
    EXPECT_EQ(with("[${GONE}][${EMPTY}]"), "[][]");
    EXPECT_EQ(with("${GONE:-d} ${EMPTY:-d} ${SET:-d}"), "d d value");
    EXPECT_EQ(with("${GONE-d} [${EMPTY-d}] ${SET-d}"), "d [] value");
    EXPECT_EQ(with("[${GONE:+d}] [${EMPTY:+d}] ${SET:+d}"), "[] [] d");
    EXPECT_EQ(with("[${GONE+d}] ${EMPTY+d} ${SET+d}"), "[] d d");
    EXPECT_EQ(with("[${EMPTY?e}] ${SET:?e}"), "[] value");
}

TEST(Interpolate, NestsAndEscapes) {
    EXPECT_EQ(with("${GONE:-${EMPTY:-${SET}-x}}"), "value-x");
    EXPECT_EQ(with("${GONE:-{\"a\": {}}}"), "{\"a\": {}}");
    EXPECT_EQ(with("$$SET $5 $"), "$SET $5 $");
    EXPECT_EQ(with("${SET:-${BAD?x}}"), "value");  // what is not needed is not read
}

TEST(Interpolate, ErrorsSayWhatToDo) {
    EXPECT_THAT(with("${GONE:?say}"), HasSubstr("required variable GONE is missing a value: say"));
    EXPECT_THAT(with("${EMPTY:?}"), HasSubstr("required variable EMPTY is missing a value: set it"));
    EXPECT_THAT(with("${1}"), HasSubstr("write ${NAME}, or $$"));
    EXPECT_THAT(with("${SET"), HasSubstr("is no variable"));
    EXPECT_THAT(with("${SET!x}"), HasSubstr("is no variable"));
    std::string deep = "x";
    for (int i = 0; i < 40; ++i) deep = "${GONE:-" + deep + "}";
    EXPECT_THAT(with(deep), HasSubstr("nested too deeply"));
}

TEST(Interpolate, TellsWhatIsNotSet) {
    std::vector<std::string> names;
    const Environment none;
    ASSERT_TRUE(interpolate("$A ${B} ${C:-x}", {none, [&](std::string_view name) { names.emplace_back(name); }}));
    EXPECT_THAT(names, ElementsAre("A", "B"));
}

TEST(Dotenv, ReadsQuotesCommentsAndReferences) {
    const Environment outer{{"OUTER", "o"}};
    const auto found = parse_dotenv(
        "# c\nA=1\nexport B = \"$A ${OUTER}\\n\\$A\" # c\nC='$A'\nD=a b # c\nE: "
        "y\nOUTER\nGONE\nF=\"x\ny\"\nG=\nH=${A:-z}#t\n",
        "f.env", outer);
    ASSERT_TRUE(found) << found.error().what();
    EXPECT_THAT(*found,
                ElementsAre(Pair("A", "1"), Pair("B", "1 o\n$A"), Pair("C", "$A"), Pair("D", "a b"), Pair("E", "y"),
                            Pair("F", "x\ny"), Pair("G", ""), Pair("H", "1#t"), Pair("OUTER", "o")));
}

TEST(Dotenv, ErrorsNameTheLine) {
    const auto unclosed = parse_dotenv("A=1\nB=\"x\n", "f.env", {});
    ASSERT_FALSE(unclosed);
    EXPECT_THAT(unclosed.error().what(), HasSubstr("f.env:2: the value that begins with"));
    const auto bad = parse_dotenv("A B=1\n", "f.env", {});
    ASSERT_FALSE(bad);
    EXPECT_THAT(bad.error().what(), HasSubstr("f.env:1: unexpected 'B'"));
}

TEST(Dotenv, RawIsTakenAsItIs) {
    const auto found = parse_raw_env("A=\"x\" $B # c\n\n# c\nC=\n", "f.env");
    ASSERT_TRUE(found);
    EXPECT_THAT(*found, ElementsAre(Pair("A", "\"x\" $B # c"), Pair("C", "")));
    EXPECT_FALSE(parse_raw_env("A\n", "f.env"));
}

}  // namespace
}  // namespace diatom::compose
