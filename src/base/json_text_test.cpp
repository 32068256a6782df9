#include "base/json_text.h"

#include <gtest/gtest.h>

#include <limits>

namespace diatom {
namespace {

TEST(JsonText, ValuesAreSeparatedWhereverTheyStand) {
    JsonText out;
    out.begin_array();
    out.begin_object();
    out.end_object();
    out.begin_object();
    out.member("text", "a,");
    out.member("list", std::vector<std::string>{"b", "c"});
    out.key("nested");
    out.begin_object();
    out.member("none", nullptr);
    out.member("map", std::map<std::string, std::string>{{"d", "e"}, {"f", "g"}});
    out.end_object();
    out.member("flag", true);
    out.end_object();
    out.value(7);
    out.begin_array();
    out.end_array();
    out.end_array();
    EXPECT_EQ(out.text(),
              R"([{},{"text":"a,","list":["b","c"],"nested":{"none":null,"map":{"d":"e","f":"g"}},"flag":true},7,[]])");
}

TEST(JsonText, NumbersAreWhole) {
    JsonText out;
    out.begin_array();
    out.value(std::numeric_limits<std::int64_t>::min());
    out.value(std::numeric_limits<std::uint64_t>::max());
    out.value(std::uint8_t{65});
    out.end_array();
    EXPECT_EQ(out.text(), "[-9223372036854775808,18446744073709551615,65]");
}

TEST(JsonText, TextsAreWrittenAsATreeIs) {
    for (const std::string text :
         {"", "plain", "quote \" and \\", "line\nend\x01\x7f", "Grüße 🐳", "broken \xff\xc3 bytes", "{[:", "["}) {
        JsonText out;
        out.begin_array();
        out.value(text);
        out.value("next");
        out.end_array();
        EXPECT_EQ(out.text(), dump_json(Json::array({text, "next"})));
    }
}

TEST(JsonText, WhatIsEmptyCanBeNull) {
    JsonText out;
    out.begin_object();
    out.member_or_null("empty", std::vector<std::string>{});
    out.member_or_null("full", std::vector<std::string>{"a"});
    out.member("tree", Json{{"b", 1}});
    out.end_object();
    EXPECT_EQ(out.tree(), (Json{{"empty", nullptr}, {"full", {"a"}}, {"tree", {{"b", 1}}}}));
}

}  // namespace
}  // namespace diatom
