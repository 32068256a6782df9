#include "document/yaml_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace diatom {
namespace {

using ::testing::HasSubstr;

std::string error_of(const std::string& text) {
    const auto read = read_yaml(text, "f.yaml");
    return read ? "no error" : read.error().what();
}

std::string json_of(const std::string& text) {
    const auto read = read_yaml(text, "f.yaml");
    if (!read) return read.error().what();
    return read->empty() ? "nothing" : to_json(read->front(), JsonStyle::compact);
}

TEST(YamlReader, PlainScalarsHaveTheTypesOfYaml12) {
    EXPECT_EQ(json_of("a: [1, -7, 0x1F, 0o17, 017, 1_000, 1.50, 1e3, true, False, ~, null, yes, on, 1:30, '1', .5]"),
              R"({"a":[1,-7,31,15,15,1000,1.5,1000,true,false,null,null,"yes","on","1:30","1",0.5]})");
}

TEST(YamlReader, MergeKeysFillInWhatIsNotSaid) {
    EXPECT_EQ(json_of("x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz: {<<: [*x, *y], a: 0}"),
              R"({"x":{"a":1,"b":2},"y":{"b":3,"c":4},"z":{"a":0,"b":2,"c":4}})");
}

TEST(YamlReader, TagsOfTheMergeAreKept) {
    const auto read = read_yaml("a: !reset null\nb: !override [1]\nc: 1", "f.yaml");
    ASSERT_TRUE(read);
    EXPECT_EQ(read->front().at("a").tag(), Tag::reset);
    EXPECT_EQ(read->front().at("b").tag(), Tag::replace);
    EXPECT_EQ(read->front().at("c").tag(), Tag::none);
}

TEST(YamlReader, ErrorsNameFileAndLine) {
    EXPECT_EQ(error_of("a: 1\nb: 2\na: 3\n"), "f.yaml:3: the key \"a\" stands here twice");
    EXPECT_EQ(error_of("a:\n  1: x\n"), "f.yaml:2: the key 1 is no text: write \"1\"");
    EXPECT_EQ(error_of("- a\n"), "f.yaml:1: the document must be a mapping");
    EXPECT_THAT(error_of("a: [\n"), HasSubstr("not valid YAML"));
    EXPECT_THAT(error_of("a: {<<: 1}"), HasSubstr("f.yaml:1: <<: must be a mapping"));
}

TEST(YamlReader, CommasThatFollowNothing) {
    for (const auto* text : {",", ", a: 1", "---\n,"}) EXPECT_THAT(error_of(text), HasSubstr("not valid YAML")) << text;
    EXPECT_EQ(error_of("a: 1\n---\n, b"), "f.yaml:3: not valid YAML: there is nothing before a comma");
    EXPECT_EQ(json_of("a: [,b]"), R"({"a":[null,"b"]})");
}

TEST(YamlReader, DocumentsAreCounted) {
    std::string text;
    for (int i = 0; i < 1000; ++i) text += "---\na: 1\n";
    const auto read = read_yaml(text, "f.yaml");
    ASSERT_TRUE(read) << read.error().what();
    EXPECT_EQ(read->size(), 1000U);
    EXPECT_EQ(error_of(text + "---\na: 1\n"),
              "f.yaml:2001: here begins document 1001, and only 1000 may be in a file: remove it");
}

TEST(YamlReader, WhatMultipliesIsRefused) {
    std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 8; ++i) {
        const auto before = std::format("*a{}", i - 1);
        text += std::format("a{}: &a{} [{}", i, i, before);
        for (int k = 0; k < 9; ++k) text += ", " + before;
        text += "]\n";
    }
    EXPECT_THAT(error_of(text), HasSubstr("more values than a document may have"));
    text = "a: &a " + std::string(kMaxText / 100, 'x') + "\nb: [*a";
    for (int i = 0; i < 100; ++i) text += ", *a";
    EXPECT_THAT(error_of(text + "]"), HasSubstr("f.yaml:1: more text than a document may have"));
    EXPECT_THAT(error_of("a: " + std::string(100, '[') + std::string(100, ']')), HasSubstr("nested too deeply"));
    EXPECT_THAT(error_of(std::string(kMaxDocument + 1, ' ')), HasSubstr("larger than a document may be"));
}

TEST(YamlReader, BinaryIsBytes) {
    const auto documents = read_yaml("a: !!binary |\n  AAEC\n  /w==\n", "f.yaml");
    ASSERT_TRUE(documents);
    EXPECT_EQ(documents->front().at("a").text(), std::string("\0\1\2\xff", 4));
    EXPECT_EQ(error_of("a: 1\nb: !!binary x*\n"), "f.yaml:2: what stands after !!binary is not base64");
}

TEST(YamlReader, DocumentsOfAnyTypeWhereTheyMayBe) {
    const auto documents = read_yaml_values("[a, b]\n--- x\n", "f.yaml");
    ASSERT_TRUE(documents);
    EXPECT_EQ(to_json((*documents)[0], JsonStyle::compact), "[\"a\",\"b\"]");
    EXPECT_EQ((*documents)[1].text(), "x");
    EXPECT_EQ(error_of("[a]"), "f.yaml:1: the document must be a mapping");
}

TEST(ValueText, WhatLooksLikeAnotherTypeIsQuoted) {
    auto value = Value::map();
    for (const auto* text : {"1", "true", "yes", "null", "", " a", "a: b", "- a", "#a", "1:30", "*a", "a #b"}) {
        value.set(std::format("k{}", value.members().size()), text);
    }
    value.set("plain", "a-b/c:d");
    value.set("lines", "one\n\ntwo\n");
    const auto text = to_yaml(value);
    EXPECT_THAT(text, HasSubstr("plain: a-b/c:d\n"));
    EXPECT_THAT(text, HasSubstr("lines: |\n  one\n\n  two\n"));
    const auto again = read_yaml(text, "again");
    ASSERT_TRUE(again) << text;
    EXPECT_EQ(again->front(), value) << text;
}

}  // namespace
}  // namespace diatom
