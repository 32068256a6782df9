#include "base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace diatom {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

Json parse(std::string_view text) { return parse_json(text, "test").value(); }

TEST(ParseJson, ErrorNamesTheDocument) {
    const auto bad = parse_json("{\"a\":", "image manifest x");
    EXPECT_EQ(bad.error().kind(), Kind::invalid);
    EXPECT_THAT(bad.error().what(), HasSubstr("image manifest x: not valid JSON"));
    EXPECT_FALSE(parse_json("", "empty"));
    EXPECT_THAT(parse_json("{} {}", "two").error().what(), HasSubstr("two: unexpected content after JSON"));
    EXPECT_THAT(parse_json("{} trailing", "more").error().what(), HasSubstr("unexpected content after JSON"));
    EXPECT_FALSE(parse_json("\"\xff\"", "bytes"));
}

TEST(ParseJson, DepthIsBounded) {
    const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    EXPECT_TRUE(parse_json(nested(kMaxJsonDepth), "deep"));
    EXPECT_THAT(parse_json(nested(kMaxJsonDepth + 1), "deep").error().what(), HasSubstr("nested deeper"));
    EXPECT_FALSE(parse_json(std::string(1'000'000, '['), "bomb"));
    EXPECT_TRUE(parse_json("\"" + std::string(1000, '[') + "\\\"[\"", "brackets in a string"));
}

TEST(JsonFields, MissingAndNullGiveTheFallback) {
    const Json object = parse(R"({"null":null})");
    EXPECT_EQ(json_string(object, "null", "x").value(), "x");
    EXPECT_EQ(json_int(object, "missing", 7).value(), 7);
    EXPECT_TRUE(json_bool(object, "missing", true).value());
    EXPECT_THAT(json_strings(object, "missing").value(), IsEmpty());
    EXPECT_THAT(json_string_map(object, "null").value(), IsEmpty());
    EXPECT_TRUE(json_member(parse("[1]"), "a").is_null());
}

TEST(JsonFields, AnotherTypeIsAnErrorThatNamesTheKey) {
    const Json object = parse(R"({"a":1,"b":"x","c":[1],"d":{"e":2}})");
    EXPECT_THAT(json_string(object, "a").error().what(), "\"a\" must be a string, not number");
    EXPECT_THAT(json_int(object, "b").error().what(), HasSubstr("\"b\" must be a whole number"));
    EXPECT_FALSE(json_bool(object, "a"));
    EXPECT_FALSE(json_strings(object, "b"));
    EXPECT_FALSE(json_strings(object, "c"));
    EXPECT_FALSE(json_string_map(object, "d"));
    EXPECT_FALSE(json_string_map(object, "c"));
}

TEST(JsonFields, WholeNumbersOnly) {
    const Json object = parse(R"({"one":1,"float":2.0,"part":1.5,"big":9223372036854775808,"huge":1e300,"low":-5})");
    EXPECT_EQ(json_int(object, "one").value(), 1);
    EXPECT_EQ(json_int(object, "float").value(), 2);
    EXPECT_EQ(json_int(object, "low").value(), -5);
    EXPECT_FALSE(json_int(object, "part"));
    EXPECT_FALSE(json_int(object, "big"));
    EXPECT_FALSE(json_int(object, "huge"));
}

TEST(JsonFields, ListsAndMaps) {
    const Json object = parse(R"({"l":["a","b"],"m":{"k":"v"}})");
    EXPECT_THAT(json_strings(object, "l").value(), ElementsAre("a", "b"));
    EXPECT_THAT(json_string_map(object, "m").value(), ElementsAre(Pair("k", "v")));
}

TEST(DumpJson, InvalidUtf8IsReplaced) { EXPECT_EQ(dump_json(Json("a\xff")), "\"a\xef\xbf\xbd\""); }

}  // namespace
}  // namespace diatom
