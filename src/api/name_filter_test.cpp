#include "api/name_filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace diatom::api {
namespace {

using testing::HasSubstr;

bool allows(std::vector<std::string> patterns, const std::string& name) {
    Filters filters{{"name", std::move(patterns)}, {"label", {"a"}}};
    const auto filter = NameFilter::take(filters);
    EXPECT_TRUE(filter) << filter.error().what();
    EXPECT_FALSE(filters.contains("name"));
    EXPECT_TRUE(filters.contains("label"));
    return filter && filter->allows(name);
}

TEST(NameFilter, MatchesAnywhereUnlessItSaysWhere) {
    EXPECT_TRUE(allows({"web"}, "my-web-1"));
    EXPECT_TRUE(allows({"^/web$"}, "/web"));
    EXPECT_FALSE(allows({"^web$"}, "web-1"));
    EXPECT_TRUE(allows({"^(db|web)[0-9]+$"}, "db12"));
    EXPECT_FALSE(allows({"^w.b$"}, "wb"));
    EXPECT_TRUE(allows({"a\\.b"}, "a.b"));
    EXPECT_FALSE(allows({"a\\.b"}, "a-b"));
}

TEST(NameFilter, NoneWantsAllAndOneOfSeveralIsEnough) {
    EXPECT_TRUE(allows({}, "web"));
    EXPECT_TRUE(allows({"db", "web"}, "web"));
    EXPECT_FALSE(allows({"db", "cache"}, "web"));
}

TEST(NameFilter, TakesTheSameDialectAsGo) {
    EXPECT_TRUE(allows({"^web-\\d{2}$"}, "web-12"));
    EXPECT_TRUE(allows({"(?i)^WEB"}, "web-1"));
}

TEST(NameFilter, RefusesWhatItWouldReadOtherwiseThanDocker) {
    for (const auto& [text, word] :
         {std::pair{"[", "name=["}, {"a\\pL", "\\p"}, {"a(?i)web", "(?i"}, {"a{2000}", "{2000}"}, {"(a", "name=(a"}}) {
        Filters filters{{"name", {text}}};
        const auto filter = NameFilter::take(filters);
        ASSERT_FALSE(filter) << text;
        EXPECT_EQ(filter.error().kind(), Kind::invalid) << text;
        EXPECT_THAT(filter.error().what(), HasSubstr(word)) << text;
    }
    Filters filters{{"name", {std::string(600, 'a')}}};
    EXPECT_FALSE(NameFilter::take(filters));
}

}  // namespace
}  // namespace diatom::api
