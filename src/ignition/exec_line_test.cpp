#include "ignition/exec_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ignition/service_script.h"
#include "ignition/unit_file.h"

namespace diatom::ignition {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> words(std::string_view text) {
    const auto lines = parse_exec(text);
    return lines ? lines->front().arguments() : std::vector<std::string>{lines.error().what()};
}

std::string shell(std::string_view text) {
    const auto lines = parse_exec(text);
    return lines ? lines->front().shell() : lines.error().what();
}

TEST(ExecLine, SplitsAsSystemdDoes) {
    EXPECT_THAT(words("/bin/echo a  'b c' \"d \\\"e\\\"\" f\\x41g \\101 ''"),
                ElementsAre("/bin/echo", "a", "b c", "d \"e\"", "fAg", "A", ""));
    EXPECT_THAT(words("/bin/sh -c 'echo \\;' $$HOME"), ElementsAre("/bin/sh", "-c", "echo \\;", "$HOME"));
    EXPECT_THAT(words("/bin/a 'b"), ElementsAre("a quotation mark is not closed"));
    EXPECT_THAT(words("-"), ElementsAre("the program is missing"));
    EXPECT_THAT(words("@/bin/a b"), ElementsAre(HasSubstr("'@'")));
}

TEST(ExecLine, SeparatesCommandsBySemicolons) {
    const auto lines = parse_exec("/bin/a 1 ; -/bin/b ; /bin/c \\; \";\"");
    ASSERT_TRUE(lines);
    ASSERT_EQ(lines->size(), 3U);
    EXPECT_FALSE((*lines)[1].failure_counts);
    EXPECT_THAT((*lines)[2].arguments(), ElementsAre("/bin/c", ";", ";"));
}

TEST(ExecLine, KeepsVariablesForTheShell) {
    EXPECT_EQ(shell("/bin/a ${ONE} $MANY x${TWO}y $3 a$b"), "/bin/a \"${ONE}\" $MANY x\"${TWO}\"y '$3' 'a$b'");
    EXPECT_EQ(shell(":/bin/a ${ONE} $MANY"), "/bin/a '${ONE}' '$MANY'");
    EXPECT_EQ(shell("/bin/a \"it's\" '$(reboot)' `x` *"), "/bin/a 'it'\\''s' '$(reboot)' '`x`' '*'");
}

TEST(UnitNames, AreEscapedPaths) {
    EXPECT_EQ(escape_path("/var/lib/a-b"), "var-lib-a\\x2db");
    EXPECT_EQ(escape_path("/"), "-");
    EXPECT_EQ(escape_path("/.x/y.z"), "\\x2ex-y.z");
    EXPECT_EQ(unescape_path("var-lib-a\\x2db"), "/var/lib/a-b");
    EXPECT_EQ(*expand_specifiers("%i %n %p %% %t", UnitName("web@a.service")), "a web@a.service web % /run");
    EXPECT_FALSE(expand_specifiers("%H", UnitName("a.service")));
    EXPECT_FALSE(expand_specifiers("100%", UnitName("a.service")));
}

TEST(UnitText, IsReadAsSystemdReadsIt) {
    const auto unit = parse_unit(
        "# c\n[Service]\nExecStart=/bin/a \\\n# between\n  b\nEnvironment=A=1\nEnvironment=\n"
        "Environment=B=2\r\n[Install]\nWantedBy=x");
    ASSERT_TRUE(unit) << unit.error().what();
    EXPECT_EQ(unit->text("Service", "ExecStart"), "/bin/a    b");
    ASSERT_EQ(unit->all("Service", "Environment").size(), 1U);
    EXPECT_EQ(unit->all("Service", "Environment")[0]->value, "B=2");
    EXPECT_EQ(unit->last("Install", "WantedBy")->line, 10U);
    for (const auto* text : {"[Service", "a=b", "[S]\nnonsense", "[S]\n=b"}) EXPECT_FALSE(parse_unit(text)) << text;
}

ServicePlan plan(std::string_view main) { return {.main = *parse_exec(main)}; }

TEST(ServiceScript, IsThereOnlyWhereOneCommandIsNotEnough) {
    EXPECT_TRUE(plan("/bin/a b").is_plain());
    EXPECT_FALSE(plan("/bin/a $b").is_plain());
    EXPECT_FALSE(plan("a b").is_plain());
    auto with = plan("/bin/a $b");
    with.before = *parse_exec("-/bin/pre");
    with.tests = {"[ -e /x ]"};
    EXPECT_EQ(with.script(), "set -ef\n[ -e /x ] || exit 0\n/bin/pre || true\nexec /bin/a $b\n");
}

TEST(ServiceScript, StaysForCommandsThatFollow) {
    auto stopped = plan("/bin/a");
    stopped.stop = *parse_exec("/bin/stop $MAINPID");
    stopped.signal = "INT";
    EXPECT_TRUE(stopped.stays());
    EXPECT_THAT(stopped.script(), HasSubstr("/bin/a &\nexport MAINPID=$!\n"));
    EXPECT_THAT(stopped.script(), HasSubstr("/bin/stop $MAINPID || true\n    kill -INT \"$MAINPID\""));
    auto once = plan("/bin/a ; /bin/b");
    once.oneshot = true;
    once.after = *parse_exec("/bin/post");
    EXPECT_EQ(once.script(), "set -ef\n/bin/a\n/bin/b\n/bin/post\n");
}

}  // namespace
}  // namespace diatom::ignition
