#include "compose/expand.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "compose/merge.h"
#include "compose/paths.h"
#include "compose/validate.h"
#include "document/yaml_reader.h"

namespace diatom::compose {
namespace {

using ::testing::HasSubstr;

Value read(const std::string& text) {
    auto documents = read_yaml(text, "f.yaml");
    EXPECT_TRUE(documents) << documents.error().what();
    return documents && !documents->empty() ? documents->front() : Value::map();
}

std::string ports(std::string_view text) {
    const auto made = parse_ports(text);
    return made ? to_json(*made, JsonStyle::compact) : made.error().what();
}

TEST(ShortForms, Ports) {
    EXPECT_EQ(ports("80"), R"([{"mode":"ingress","target":80,"protocol":"tcp"}])");
    EXPECT_EQ(ports("[::1]:53:5353/UDP"),
              R"([{"mode":"ingress","host_ip":"::1","target":5353,"published":"53","protocol":"udp"}])");
    EXPECT_EQ(ports("8000-8010:80"), R"([{"mode":"ingress","target":80,"published":"8000-8010","protocol":"tcp"}])");
    for (const auto* bad : {"", "x", "80:x", "1-2:1-3", "5-4", "80/icmp", "host:80:80", "1:2:3:4", "65536"}) {
        EXPECT_FALSE(parse_ports(bad)) << bad;
    }
}

TEST(ShortForms, Volumes) {
    const auto made = parse_volume("./a:/b:ro,z,rslave");
    ASSERT_TRUE(made);
    EXPECT_EQ(made->text_of("type"), "bind");
    EXPECT_EQ(made->text_of("source"), "./a");
    EXPECT_TRUE(made->boolean_of("read_only"));
    EXPECT_EQ(made->at("bind").text_of("propagation"), "rslave");
    EXPECT_EQ(parse_volume("name:/b")->text_of("type"), "volume");
    EXPECT_EQ(parse_volume("c:\\x:/b")->text_of("source"), "c:\\x");
    for (const auto* bad : {"", "aa:", ":bb", "aa:/b:ro:x", "aa::/b"}) EXPECT_FALSE(parse_volume(bad)) << bad;
}

TEST(ShortForms, CommandLines) {
    const auto words = [](std::string_view line) {
        const auto made = split_command(line);
        return made ? join(*made, "|") : std::string("bad");
    };
    EXPECT_EQ(words("a  'b c' \"d \\\"e\" f\\ g ''"), "a|b c|d \"e|f g|");
    EXPECT_EQ(words("a; b"), "a");
    EXPECT_EQ(words("a 2>b"), "a");
    EXPECT_EQ(words("'a"), "bad");
    EXPECT_EQ(words(""), "");
}

TEST(Merge, RulesOfTheSpecification) {
    auto base = read("services: {a: {image: a, command: [x], ports: ['1:1'], environment: {A: 1, B: 2}, dns: a}}");
    auto over = read("services: {a: {image: b, command: [y], ports: ['1:1', '2:2'], environment: [B=3], dns: [b, a]}}");
    ASSERT_TRUE(expand(base, document_type()));
    ASSERT_TRUE(expand(over, document_type()));
    ASSERT_TRUE(merge(base, over, &document_type()));
    drop_doubles(base, document_type());
    const auto& service = base.at("services").at("a");
    EXPECT_EQ(service.text_of("image"), "b");
    EXPECT_EQ(service.texts_of("command"), std::vector<std::string>{"y"});
    EXPECT_EQ(service.at("ports").items().size(), 2U);
    EXPECT_EQ(to_json(service.at("environment"), JsonStyle::compact), R"({"A":1,"B":"3"})");
    EXPECT_EQ(service.texts_of("dns"), (std::vector<std::string>{"a", "b"}));
}

TEST(Merge, OtherFormsAreRefused) {
    auto base = read("a: [x]");
    const auto merged = merge(base, read("\na: {x: y}"), nullptr);
    ASSERT_FALSE(merged);
    EXPECT_THAT(merged.error().what(), HasSubstr("f.yaml:2: a: a mapping cannot be put onto a list"));
}

TEST(Merge, ResetsAreTakenOut) {
    auto document = read("a: {b: !reset null, c: !override [1], d: [1, !reset 2]}");
    const auto paths = take_resets(document);
    ASSERT_EQ(paths.size(), 3U);
    EXPECT_EQ(to_json(document, JsonStyle::compact), R"({"a":{"c":[1],"d":[1]}})");
    auto earlier = read("a: {b: 1, c: [2]}");
    for (const auto& path : paths) drop_path(earlier, path);
    EXPECT_EQ(to_json(earlier, JsonStyle::compact), R"({"a":{}})");
}

TEST(Paths, AreCleanedByTextAlone) {
    const Base base{"/project/dir", "/home/me"};
    EXPECT_EQ(absolute_path("./a/../b/", base), "/project/dir/b");
    EXPECT_EQ(absolute_path("../..", base), "/");
    EXPECT_EQ(absolute_path("~/x", base), "/home/me/x");
    EXPECT_EQ(absolute_path("~x", base), "/project/dir/~x");
    EXPECT_EQ(absolute_path("/a/../b", base), "/a/../b");
    EXPECT_EQ(clean_path(""), ".");
    EXPECT_EQ(clean_path("../a"), "../a");
}

TEST(ValueText, DurationsAreWrittenAsGoWritesThem) {
    EXPECT_EQ(format_duration(0), "0s");
    EXPECT_EQ(format_duration(1), "1ns");
    EXPECT_EQ(format_duration(1'500'000), "1.5ms");
    EXPECT_EQ(format_duration(90'000'000'000), "1m30s");
    EXPECT_EQ(format_duration(3'600'000'000'000), "1h0m0s");
    EXPECT_EQ(format_duration(-1'500'000'000), "-1.5s");
}

}  // namespace
}  // namespace diatom::compose
