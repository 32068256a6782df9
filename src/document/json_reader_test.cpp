#include "document/json_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace diatom {
namespace {

using ::testing::HasSubstr;

std::string read(std::string_view text) {
    const auto value = read_json(text, "a.json");
    return value ? to_json(*value, JsonStyle::compact) : value.error().what();
}

TEST(JsonReader, ReadsEveryKindOfValue) {
    EXPECT_EQ(read(R"( {"a": [1, -2, 1.5, 1e3, true, false, null, ""], "b": {}, "c": []} )"),
              R"({"a":[1,-2,1.5,1000,true,false,null,""],"b":{},"c":[]})");
    EXPECT_EQ(read("0"), "0");
    EXPECT_EQ(read_json("9223372036854775808", "a")->type(), Value::Type::real);
}

TEST(JsonReader, ReadsEscapes) {
    EXPECT_EQ(read_json(R"("\"\\\/\b\f\n\r\t\u0041\u00e9\u20ac\ud83d\ude00é")", "a")->text(),
              "\"\\/\b\f\n\r\tA\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\xC3\xA9");
}

TEST(JsonReader, KnowsItsLines) {
    const auto value = read_json("{\n \"a\": 1,\n \"b\": [\n  2]}", "a.json");
    ASSERT_TRUE(value);
    EXPECT_EQ(value->mark().line, 1U);
    EXPECT_EQ(value->at("a").mark().line, 2U);
    EXPECT_EQ(value->at("b").items()[0].mark().line, 4U);
    EXPECT_EQ(*value->at("a").mark().file, "a.json");
}

TEST(JsonReader, RefusesWhatIsNone) {
    EXPECT_EQ(read("{\n\"a\": 1,\n}"), "a.json:3: not valid JSON: a name in quotes is missing");
    for (const auto* text : {"",
                             "{",
                             "[1,]",
                             "{a: 1}",
                             "{'a': 1}",
                             "[1] 2",
                             "01",
                             "-",
                             "1.",
                             ".5",
                             "1e",
                             "nul",
                             "\"\n\"",
                             "\"\\x\"",
                             "\"\\u12\"",
                             "\"\\ud800\"",
                             "\"\\udc00\"",
                             "\"\\ud800\\u0041\"",
                             "\"\xff\"",
                             "\"\xc0\x80\"",
                             "\"\xed\xa0\x80\"",
                             "\"",
                             "[1 2]",
                             "{\"a\" 1}",
                             "{\"a\":1 \"b\":2}",
                             "// x\n1",
                             "1e999"}) {
        EXPECT_THAT(read(text), HasSubstr("not valid JSON")) << text;
    }
    EXPECT_THAT(read(R"({"a": 1, "a": 2})"), HasSubstr("the name \"a\" stands twice"));
    EXPECT_THAT(read(std::string(100, '[')), HasSubstr("nested too deeply"));
}

}  // namespace
}  // namespace diatom
