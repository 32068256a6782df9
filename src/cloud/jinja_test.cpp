#include "cloud/jinja.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cloud/instance.h"
#include "document/yaml_reader.h"

namespace diatom::cloud {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kMetaData = R"(
instance-id: i-1
local-hostname: web-1
public-keys: {"0": {openssh-key: ssh-ed25519 AAAA}}
tags: [a, b]
disks: {root: /dev/vda, data: /dev/vdb}
empty: ""
count: 3
)";

std::string render(std::string_view body) {
    static const Value kData = [] {
        auto meta_data = read_meta_data(kMetaData, "meta-data");
        EXPECT_TRUE(meta_data) << (meta_data ? "" : meta_data.error().what());
        return instance_data(*meta_data, {.cloud_name = "nocloud", .region = "eu", .architecture = "x86_64"});
    }();
    const auto rendered = render_jinja("## template: jinja\n" + std::string(body), kData);
    return rendered ? rendered->text : std::format("{}: {}", rendered.error().line, rendered.error().message);
}

TEST(Jinja, PrintsValues) {
    EXPECT_EQ(render("{{ v1.local_hostname }} {{v1['instance-id']}} {{ instance_id }}"), "web-1 i-1 i-1");
    EXPECT_EQ(render("{{ ds.meta_data.local_hostname }} {{ ds['meta_data']['tags'][1] }} {{ ds.meta_data.tags[-1] }}"),
              "web-1 b b");
    EXPECT_EQ(render("{{ ds.meta_data.tags }} {{ true }} {{ none }} {{ ds.meta_data.count }} {{ ds.meta_data.disks }}"),
              "['a', 'b'] True None 3 {'root': '/dev/vda', 'data': '/dev/vdb'}");
    EXPECT_EQ(render("{{ 'it\\'s' ~ 1 ~ \"\\n\" }}"), "it's1\n");
    EXPECT_EQ(render("{{ nothing }}"), "CI_MISSING_JINJA_VAR/nothing");
    EXPECT_EQ(render("{{ v1.nothing }}"), "CI_MISSING_JINJA_VAR/nothing");
}

TEST(Jinja, Filters) {
    EXPECT_EQ(render("{{ nothing | default('x') }}{{ v1.nothing|d(\"y\") }}{{ nothing|default }}"), "xy");
    EXPECT_EQ(render("{{ ds.meta_data.empty | default('x', true) }}{{ ds.meta_data.empty | default('x') }}"), "x");
    EXPECT_EQ(render("{{ region | upper }} {{ 'A' | lower }} {{ ' a ' | trim }} {{ ds.meta_data.tags | length }}"),
              "EU a a 2");
    EXPECT_EQ(
        render("{{ ds.meta_data.tags | join(', ') }} {{ ds.meta_data.tags | first }}{{ ds.meta_data.tags|last }}"),
        "a, b ab");
    EXPECT_EQ(render("{{ 'a-b-c' | replace('-', '_') }}"), "a_b_c");
}

TEST(Jinja, Chooses) {
    EXPECT_EQ(render("{% if region == 'eu' and not nothing %}1{% elif true %}2{% else %}3{% endif %}"), "1");
    EXPECT_EQ(render("{% if region != 'eu' or false %}1{% elif 'a' in ds.meta_data.tags %}2{% endif %}"), "2");
    EXPECT_EQ(render("{% if nothing is defined %}1{% else %}{{ 'x' if region is defined else 'y' }}{% endif %}"), "x");
    EXPECT_EQ(render("{% if ds.meta_data.count > 2 and 'z' not in ds.meta_data.tags %}1{% endif %}"), "1");
    EXPECT_EQ(render("{% if (1 < 2) and ['a'] == ['a'] %}1{% endif %}"), "1");
}

TEST(Jinja, Loops) {
    EXPECT_EQ(
        render("{% for t in ds.meta_data.tags %}{{ loop.index }}{{ t }}{% if not loop.last %},{% endif %}{% endfor %}"),
        "1a,2b");
    EXPECT_EQ(render("{% for k, v in ds.meta_data.disks.items() %}{{ k }}={{ v }} {% endfor %}"),
              "root=/dev/vda data=/dev/vdb ");
    EXPECT_EQ(render("{% for k in ds.meta_data.disks %}{{ k }}{% endfor %}"), "rootdata");
    EXPECT_EQ(render("{% for k in nothing %}x{% else %}none{% endfor %}"), "none");
    EXPECT_EQ(render("{% for k in [1, 2] %}{% for j in [k, k] %}{{ j }}{% endfor %}{% endfor %}"), "1122");
}

// The line end after a block belongs to it, as cloud-init sets Jinja.
TEST(Jinja, Blanks) {
    EXPECT_EQ(render("a\n{% if true %}\nb\n{% endif %}\nc\n"), "a\nb\nc\n");
    EXPECT_EQ(render("a {# comment\n #}\nb"), "a b");
    EXPECT_EQ(render("a \n {{- ' b ' -}} \n c"), "a b c");
    EXPECT_EQ(render("{% raw %}{{ x }}{% endraw %}"), "{{ x }}");
    EXPECT_EQ(render("{% raw %}\n{{ x }}\n{% endraw %}\ny"), "\n{{ x }}\ny");
    EXPECT_EQ(render("{%- if true -%}\n a \n{%- endif -%}\n b"), "ab");
    EXPECT_EQ(render("{% if true +%}\nb{% endif %}"), "\nb");
    EXPECT_EQ(render("{ {x} %} ${x}"), "{ {x} %} ${x}");
}

TEST(Jinja, KnowsWhereLinesComeFrom) {
    const auto rendered =
        render_jinja("## template: jinja\na\n{% for i in [1, 2] %}\nx {{ i }}\n{% endfor %}\nb\n", Value::map());
    ASSERT_TRUE(rendered);
    EXPECT_EQ(rendered->text, "a\nx 1\nx 2\nb\n");
    EXPECT_THAT(rendered->lines, ElementsAre(2, 4, 4, 6));
}

TEST(Jinja, RefusesByNameAndLine) {
    EXPECT_EQ(render("a\n\n{{ a.b.c }}"), "4: a is not there, so a.b cannot be");
    EXPECT_EQ(render("{{ v1.local-hostname }}"),
              "2: \"-\" would subtract: write local_hostname for the key local-hostname");
    EXPECT_EQ(render("\n{% set x = 1 %}"), "3: \"set\" is not taken here: of blocks there are if, for and raw");
    EXPECT_THAT(render("{{ 1 + 1 }}"), HasSubstr("arithmetic (\"+\")"));
    EXPECT_THAT(render("{{ x | tojson }}"), HasSubstr("the filter \"tojson\" is not known here"));
    EXPECT_THAT(render("{{ x() }}"), HasSubstr("nothing can be called"));
    EXPECT_THAT(render("{{ ''.join([]) }}"), HasSubstr("join() cannot be called"));
    EXPECT_THAT(render("{{ x is divisibleby 3 }}"), HasSubstr("is divisibleby"));
    EXPECT_THAT(render("{{ x"), HasSubstr("2: {{ without }}"));
    EXPECT_THAT(render("{% if x %}"), HasSubstr("\"endif\" is missing"));
    EXPECT_THAT(render("{% for x in [1] %}{% endif %}"), HasSubstr("\"endfor\" is missing"));
    EXPECT_THAT(render("{% endif %}"), HasSubstr("without its beginning"));
    EXPECT_THAT(render("{{ 'x }}"), HasSubstr("without }}"));
    EXPECT_THAT(render("{{ }}"), HasSubstr("an expression is missing"));
    EXPECT_THAT(render("{{ a b }}"), HasSubstr("stands where nothing can"));
}

TEST(Jinja, HasItsLimits) {
    std::string nested;
    for (int i = 0; i < 100; ++i) nested += "{% if true %}";
    EXPECT_THAT(render(nested), HasSubstr("too deeply"));
    EXPECT_THAT(render("{{ " + std::string(5000, '(')), HasSubstr("without }}"));
    EXPECT_THAT(render("{{ " + std::string(5000, '(') + " }}"), HasSubstr("too deeply"));
    std::string loops, list = "[0";
    for (int i = 0; i < 99; ++i) list += ", 0";
    list += ']';
    for (int i = 0; i < 6; ++i) loops += "{% for a in " + list + " %}";
    for (int i = 0; i < 6; ++i) loops += "{% endfor %}";
    EXPECT_THAT(render(loops), HasSubstr("too many steps"));
    std::string large =
        "{% for a in " + list + " %}{% for b in " + list + " %}" + std::string(1000, 'x') + "{% endfor %}{% endfor %}";
    EXPECT_THAT(render(large), HasSubstr("too large"));
    const auto long_text = "'" + std::string(100'000, 'a') + "'";
    EXPECT_THAT(render("{{ " + long_text + " | replace('a', " + long_text + ") }}"), HasSubstr("too large"));
    EXPECT_THAT(render("{{ " + list + " | join(" + long_text + ") }}"), HasSubstr("too large"));
}

}  // namespace
}  // namespace diatom::cloud
