#include "engine/log_options.h"

#include <gtest/gtest.h>

namespace diatom::engine {
namespace {

TEST(LogOptions, DriversHaveTheirOwnDefaults) {
    const auto plain = parse_log_options("", {}).value(), local = parse_log_options("local", {}).value();
    EXPECT_EQ(plain.driver, LogDriver::json_file);
    EXPECT_TRUE(plain.max_size == 10U << 20U && plain.max_files == 3 && !plain.compress);
    EXPECT_EQ(local.driver, LogDriver::local);
    EXPECT_TRUE(local.max_size == 20U << 20U && local.max_files == 5 && local.compress);
    EXPECT_FALSE(parse_log_options("local", {{"max-file", "1"}}).value().compress);
    EXPECT_EQ(parse_log_options("none", {}).value().driver, LogDriver::none);
    EXPECT_EQ(parse_log_options("syslog", {}).error().kind(), Kind::unsupported);
}

TEST(LogOptions, TakesAllOfJsonFile) {
    const std::map<std::string, std::string> given = {
        {"max-size", "1m"},   {"max-file", "2"},        {"compress", "true"},    {"labels", "a, b"},
        {"env", "C"},         {"labels-regex", "^d."},  {"env-regex", "^(E|F)"}, {"mode", "non-blocking"},
        {"tag", "{{.Name}}"}, {"max-buffer-size", "4m"}};
    const auto log = parse_log_options("json-file", given);
    ASSERT_TRUE(log) << log.error().what();
    EXPECT_EQ(log->labels, (std::vector<std::string>{"a", "b"}));
    EXPECT_TRUE(log->max_size == 1U << 20U && log->max_files == 2 && log->compress);
    EXPECT_EQ(log->env_regex, "^(E|F)");
    EXPECT_EQ(log->given, given);
}

TEST(LogOptions, RefusesByName) {
    const std::pair<const char*, const char*> cases[] = {
        {"colour", "red"},    {"max-size", "much"},     {"max-file", "0"}, {"compress", "maybe"},
        {"mode", "sideways"}, {"tag", "{{.Colour}}"},   {"tag", "{{.ID"},  {"labels-regex", "(?s)x"},
        {"env-regex", "[a"},  {"max-buffer-size", "1m"}};
    for (const auto& [key, value] : cases) {
        const auto log = parse_log_options("json-file", {{key, value}});
        ASSERT_FALSE(log) << key << "=" << value;
        EXPECT_EQ(log.error().kind(), Kind::invalid);
        EXPECT_TRUE(log.error().what().contains(key) || log.error().what().contains(value)) << log.error().what();
    }
    EXPECT_TRUE(parse_log_options("local", {{"tag", "x"}}).error().what().contains("'tag' for local"));
    EXPECT_FALSE(parse_log_options("json-file", {{"compress", "true"}, {"max-file", "1"}}));
}

TEST(LogOptions, EntriesCarryWhatIsNamedAndWhatMatches) {
    Container container{.id = std::string(64, 'a'), .name = "web"};
    container.config.image = "busybox";
    container.config.labels = {{"org.color", "red"}, {"org.size", "1"}, {"other", "2"}};
    container.env = {"A=b=c", "PATH=/bin", "APP_MODE=x"};
    container.config.log = parse_log_options("json-file", {{"labels", "other,absent"},
                                                           {"labels-regex", "^org\\.c"},
                                                           {"env", "A"},
                                                           {"env-regex", "MODE$"},
                                                           {"tag", "{{.ImageName}}/{{ .Name }}/{{.ID}}"}})
                               .value();
    const std::map<std::string, std::string> expected = {
        {"A", "b=c"}, {"APP_MODE", "x"}, {"org.color", "red"}, {"other", "2"}, {"tag", "busybox/web/aaaaaaaaaaaa"}};
    EXPECT_EQ(log_attributes(container), expected);
}

}  // namespace
}  // namespace diatom::engine
