#include "api/filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace diatom::api {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

const Labels kLabels{{"role", "db"}, {"empty", ""}, {"sum", "a=b"}};

TEST(LabelFilter, KeyAloneMatchesAnyValue) {
    EXPECT_TRUE(label_matches(kLabels, "role"));
    EXPECT_TRUE(label_matches(kLabels, "empty"));
    EXPECT_FALSE(label_matches(kLabels, "rol"));
    EXPECT_FALSE(label_matches({}, "role"));
}

TEST(LabelFilter, KeyWithValueMatchesThatValueOnly) {
    EXPECT_TRUE(label_matches(kLabels, "role=db"));
    EXPECT_FALSE(label_matches(kLabels, "role=d"));
    EXPECT_FALSE(label_matches(kLabels, "role="));
    EXPECT_TRUE(label_matches(kLabels, "empty="));
    EXPECT_TRUE(label_matches(kLabels, "sum=a=b"));  // the first = divides
    EXPECT_FALSE(label_matches(kLabels, "=db"));
}

TEST(Filters, EveryLabelIsNeededButOneValueOfAnythingElse) {
    const auto matches = [](std::string_view key, const std::string& value) { return key == "name" && value == "web"; };
    EXPECT_TRUE(passes({}, kLabels, matches));
    EXPECT_TRUE(passes({{"name", {"other", "web"}}}, kLabels, matches));
    EXPECT_FALSE(passes({{"name", {"other"}}}, kLabels, matches));
    EXPECT_FALSE(passes({{"name", {"web"}}, {"id", {"web"}}}, kLabels, matches));
    EXPECT_TRUE(passes({{"label", {"role=db", "empty"}}}, kLabels, matches));
    EXPECT_FALSE(passes({{"label", {"role=db", "absent"}}}, kLabels, matches));
    EXPECT_FALSE(passes({{"label", {"role"}}, {"name", {"other"}}}, kLabels, matches));
    EXPECT_TRUE(passes({{"name", {}}, {"label", {}}}, kLabels, matches));  // no values, no filter
}

TEST(Filters, BothFormsOfTheParameter) {
    EXPECT_THAT(*decode_filters(""), IsEmpty());
    EXPECT_THAT(*decode_filters(R"({"status":["running","paused"]})"),
                ElementsAre(Pair("status", ElementsAre("running", "paused"))));
    EXPECT_THAT(*decode_filters(R"({"status":{"paused":false,"running":true}})"),
                ElementsAre(Pair("status", ElementsAre("running"))));
}

TEST(Filters, SayWhatIsWrongWithThem) {
    for (const auto& [text, word] :
         {std::pair{"[]", "object"}, {R"({"a":[1]})", "strings"}, {R"({"a":"b"})", "list"}, {"{", "filters"}}) {
        const auto decoded = decode_filters(text);
        ASSERT_FALSE(decoded) << text;
        EXPECT_EQ(decoded.error().kind(), Kind::invalid) << text;
        EXPECT_THAT(decoded.error().what(), HasSubstr(word)) << text;
    }
}

}  // namespace
}  // namespace diatom::api
