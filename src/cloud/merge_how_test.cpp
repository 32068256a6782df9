#include "cloud/merge_how.h"

#include "cloud/testing/translated.h"

namespace diatom::cloud {
namespace {

using ::testing::HasSubstr;
using testing::json;
using testing::read;

std::string merged(const std::string& earlier, const std::string& later, std::string_view how = "") {
    auto config = read(later);
    const auto mergers = take_merge_how(config, how);
    return mergers ? json(merge_configs(read(earlier), config, *mergers)) : mergers.error().what();
}

TEST(MergeHow, LaterKeysReplaceByDefault) {
    EXPECT_EQ(merged("a: 1\nl: [1]\nm: {x: 1}", "l: [2, 3]\nm: {y: 2}"), R"({"a":1,"l":[2,3],"m":{"y":2}})");
}

// The example of cloud-init's page.
TEST(MergeHow, AppendsListsWhenAsked) {
    const std::string how =
        "merge_how:\n - {name: list, settings: [append]}\n - {name: dict, settings: [no_replace, recurse_list]}\n";
    EXPECT_EQ(merged("runcmd: [bash1, bash2]", how + "runcmd: [bash3, bash4]"),
              R"({"runcmd":["bash1","bash2","bash3","bash4"]})");
    EXPECT_EQ(merged("runcmd: [a]", "runcmd: [b]", "list(prepend)+dict(recurse_array)"), R"({"runcmd":["b","a"]})");
    EXPECT_EQ(merged("runcmd: [a]", "merge_type: 'list(append)+dict(recurse_list)+str()'\nruncmd: [b]"),
              R"({"runcmd":["a","b"]})");
    EXPECT_EQ(merged("a: [1]", "merge_how: [[list, append], [dict, recurse_list]]\na: [2]"), R"({"a":[1,2]})");
}

TEST(MergeHow, KeepsWhatWasThereWithNoReplace) {
    EXPECT_EQ(merged("a: 1\nm: {x: 1}\nl: [1]", "a: 2\nm: {x: 2, y: 2}\nl: [2]\nb: 3", "dict()+list()+str()"),
              R"({"a":1,"m":{"x":1,"y":2},"l":[1],"b":3})");
    EXPECT_EQ(merged("s: a\nn: {x: 1}", "s: b\nn: null", "dict(recurse_str,allow_delete)+str(append)"),
              R"({"s":"ab"})");
    EXPECT_EQ(merged("s: a", "s: b", "dict(recurse_str)+str()"), R"({"s":"b"})");
}

TEST(MergeHow, ListsByNumberDoNotGrow) {
    EXPECT_EQ(merged("l: [1, 2, 3]", "l: [4, 5]", "dict(recurse_list)+list()"), R"({"l":[4,5,3]})");
    EXPECT_EQ(merged("l: [1]", "l: [4, 5]", "dict(recurse_list)+list()"), R"({"l":[4]})");
    EXPECT_EQ(merged("l: [{a: 1}]", "l: [{b: 2}]", "dict(recurse_list)+list(recurse_dict)"),
              R"({"l":[{"a":1,"b":2}]})");
    EXPECT_EQ(merged("l: [1]", "l: [4, 5]", "dict(recurse_list)+list(no_replace)"), R"({"l":[1]})");
}

TEST(MergeHow, RefusesWhatIsNone) {
    EXPECT_THAT(merged("", "a: 1", "list(append"), HasSubstr("\"list(append\" is not like list(append)"));
    EXPECT_THAT(merged("", "a: 1", "set()"), HasSubstr("\"set\" is none of dict, list and str"));
    EXPECT_THAT(merged("", "merge_how: 7\na: 1"), HasSubstr("merge_how: must be text, or a list"));
}

TEST(MergeHow, VendorsAreBelowUsers) {
    EXPECT_EQ(json(merge_below(read("a: 1\nm: {x: 1}\nl: [1]"), read("a: 2\nm: {y: 2}\nl: [2]\nb: 3"))),
              R"({"a":1,"m":{"x":1,"y":2},"l":[1],"b":3})");
}

}  // namespace
}  // namespace diatom::cloud
