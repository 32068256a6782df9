#include "cloud/user_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/strings.h"
#include "cloud/gzip.h"
#include "cloud/mime.h"
#include "document/yaml_reader.h"

namespace diatom::cloud {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view kZippedConfig = "H4sIAAAAAAACA1NOzskvTdFNzs9Ly0znysgvLslLzE21UqjKLChITeECAC5ZxxsfAAAA";

std::string zipped_config() { return *decode_base64(kZippedConfig); }

UserData read(std::string_view bytes, Sources sources = {}) { return read_user_data(bytes, "user-data", sources); }

std::vector<std::string> told(const UserData& data) {
    std::vector<std::string> lines;
    for (const auto& part : data.parts)
        lines.push_back(std::format("{} {} {}:{} {}", static_cast<int>(part.kind), part.name, part.file,
                                    part.first_line, part.content));
    for (const auto& warning : data.warnings) lines.push_back("! " + warning.text);
    return lines;
}

Sources pages(std::map<std::string, std::string> pages) {
    Sources sources;
    sources.fetch = [pages = std::move(pages)](const std::string& url, bool once) -> Result<std::string> {
        const auto found = pages.find(url);
        if (found == pages.end()) return fail(Kind::not_found, "404{}", once ? ", and once" : "");
        return found->second;
    };
    return sources;
}

TEST(UserData, IsToldByItsFirstLine) {
    EXPECT_THAT(told(read("#cloud-config\na: 1\n")), ElementsAre("0 part-001 user-data:1 #cloud-config\na: 1\n"));
    EXPECT_THAT(told(read("#!/bin/sh\necho\n")), ElementsAre("1 part-001 user-data:1 #!/bin/sh\necho\n"));
    EXPECT_THAT(told(read("#cloud-boothook\n#!/bin/sh\necho\n")),
                ElementsAre("4 part-001 user-data:2 #!/bin/sh\necho\n"));
    EXPECT_THAT(told(read("{\"ignition\": {\"version\": \"3.3.0\"}}")),
                ElementsAre("5 part-001 user-data:1 {\"ignition\": {\"version\": \"3.3.0\"}}"));
    EXPECT_THAT(told(read("")), IsEmpty());
    EXPECT_THAT(told(read("hello")), ElementsAre(HasSubstr("! user-data:1: this is neither cloud-config")));
    EXPECT_THAT(told(read("#part-handler\nx")), ElementsAre(HasSubstr("Python code")));
    EXPECT_THAT(told(read("#cloud-config-jsonp\n[]")), ElementsAre(HasSubstr("are not applied")));
}

TEST(UserData, IsUnpacked) {
    const auto expected = ElementsAre("0 part-001 user-data:1 #cloud-config\nhostname: zipped\n");
    EXPECT_THAT(told(read(zipped_config())), expected);
    EXPECT_THAT(told(read(kZippedConfig)), expected);
    EXPECT_THAT(told(read(encode_base64("#cloud-config\nhostname: zipped\n"))), expected);
    auto damaged = zipped_config();
    damaged[20] ^= 1;
    EXPECT_THAT(told(read(damaged)), ElementsAre(HasSubstr("! user-data:1: gzip:")));
    EXPECT_THAT(told(read(zipped_config().substr(0, 30))), ElementsAre(HasSubstr("gzip: cut short")));
    EXPECT_THAT(gunzip(zipped_config(), 10).error().what(), HasSubstr("more than 10 B"));
    EXPECT_EQ(*gunzip(zipped_config() + zipped_config(), 100),
              "#cloud-config\nhostname: zipped\n#cloud-config\nhostname: zipped\n");
}

// As `cloud-init devel make-mime` writes it.
constexpr std::string_view kMime = R"(Content-Type: multipart/mixed; boundary="===============2389165605550749110=="
MIME-Version: 1.0
Number-Attachments: 3

--===============2389165605550749110==
Content-Type: text/cloud-config; charset="us-ascii"
MIME-Version: 1.0
Content-Transfer-Encoding: 7bit
Content-Disposition: attachment; filename="config.yaml"
Merge-Type: list(append)+dict(recurse_list)+str()

#cloud-config
hostname: mime

--===============2389165605550749110==
Content-Type: text/x-shellscript; charset="us-ascii"
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename="../script.sh"

IyEvYmluL3NoCmVj
aG8K
--===============2389165605550749110==
Content-Type: text/x-shellscript-per-boot

#!/bin/sh
--===============2389165605550749110==
Content-Type: application/pdf

x
--===============2389165605550749110==--
left out
)";

TEST(UserData, OfSeveralParts) {
    const auto data = read(kMime);
    EXPECT_THAT(told(data), ElementsAre("0 config.yaml user-data:12 #cloud-config\nhostname: mime\n",
                                        "1 .._script.sh user-data part 2 (../script.sh):1 #!/bin/sh\necho\n",
                                        "2 part-003 user-data:25 #!/bin/sh",
                                        HasSubstr("nothing here reads a part of type application/pdf")));
    EXPECT_EQ(data.parts[0].merge_how, "list(append)+dict(recurse_list)+str()");
    const auto config = read_cloud_config(data.parts[0]);
    ASSERT_TRUE(config);
    EXPECT_EQ(config->at("hostname").mark().line, 13U);
}

TEST(UserData, PartsInPartsAndPackedOnes) {
    const auto text = std::format(
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=outer\r\n\r\n--outer\r\nContent-Type: "
        "multipart/mixed;\r\n boundary=\"in ner\"\r\n\r\n--in ner\r\nContent-Type: application/gzip\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n{}\r\n--in "
        "ner--\r\n--outer\r\n\r\n#include\r\nhttp://a/b\r\n--outer\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n#cloud-config\r\na: =41=\r\nB =3D\r\n--outer--\r\n",
        kZippedConfig);
    EXPECT_THAT(
        told(read(text, pages({{"http://a/b", "#!/bin/sh"}}))),
        ElementsAre("0 part-001 user-data part 1:1 #cloud-config\nhostname: zipped\n",
                    "1 part-002 http://a/b:1 #!/bin/sh", "0 part-003 user-data part 3:1 #cloud-config\na: AB ="));
}

TEST(UserData, RefusesMessagesThatDoNotEndWell) {
    EXPECT_THAT(told(read("MIME-Version: 1.0\nContent-Type: multipart/mixed\n\nx")),
                ElementsAre(HasSubstr("line 4: a multipart without boundary")));
    EXPECT_THAT(told(read("MIME-Version: 1.0\nContent-Transfer-Encoding: base64\n\n*")),
                ElementsAre(HasSubstr("the part is not base64")));
    EXPECT_THAT(told(read("MIME-Version: 1.0\nContent-Transfer-Encoding: uu\n\n*")),
                ElementsAre(HasSubstr("\"uu\" is none of MIME's")));
    std::string deep = "MIME-Version: 1.0\n";
    for (int i = 0; i < 20; ++i) deep += std::format("Content-Type: multipart/mixed; boundary=b{}\n\n--b{}\n", i, i);
    EXPECT_THAT(told(read(deep)), ElementsAre(HasSubstr("too deeply")));
    std::string many = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n";
    for (int i = 0; i < 300; ++i) many += "--b\n\nx\n";
    EXPECT_THAT(told(read(many)), ElementsAre(HasSubstr("more than 256 parts")));
}

TEST(UserData, IncludesWhatItNames) {
    const auto sources = pages({{"http://u:p@h/a?token=x", "#include-once\nhttp://h/b\nhttp://h/none"},
                                {"http://h/b", "#cloud-config\nb: 1"}});
    EXPECT_THAT(told(read("#include http://u:p@h/a?token=x\n# a comment\n\nhttp://h/none", sources)),
                ElementsAre("0 part-001 http://h/b:1 #cloud-config\nb: 1",
                            "! http://h/a:3: http://h/none: 404, and once", "! user-data:4: http://h/none: 404"));
    EXPECT_THAT(told(read("#include\nhttp://h/b")), ElementsAre(HasSubstr("nothing can be fetched here")));
    EXPECT_THAT(told(read("#include\nhttp://h/self", pages({{"http://h/self", "#include\nhttp://h/self"}}))),
                ElementsAre(HasSubstr("too many #include")));
}

TEST(UserData, FetchesNoMoreThanItMay) {
    std::string twice = "#include\n";
    for (int i = 0; i < 40; ++i) twice += "http://h/twice\n";
    std::size_t fetched = 0;
    Sources sources;
    sources.fetch = [&](const std::string&, bool) -> Result<std::string> {
        ++fetched;
        return twice;
    };
    read(twice, sources);
    EXPECT_LE(fetched, kMaxParts);
}

TEST(UserData, OfAnArchive) {
    EXPECT_THAT(
        told(read(R"(#cloud-config-archive
- type: text/cloud-config
  filename: a.cfg
  content: |
    #cloud-config
    hostname: archive
- |
  #!/bin/sh
  echo
- content: "ntp: {}"
- {type: text/x-shellscript, content: "#!/bin/sh", launch-index: 3}
- type: text/x-odd
  content: x
- 7
)")),
        ElementsAre("0 a.cfg user-data:5 #cloud-config\nhostname: archive\n", HasSubstr("1 part-002 user-data:"),
                    "0 part-003 user-data:10 ntp: {}", "1 part-004 user-data:11 #!/bin/sh",
                    HasSubstr("user-data:12: nothing here reads a part of this type"),
                    HasSubstr("must be text, or a mapping")));
    EXPECT_THAT(told(read("#cloud-config-archive\na: 1")), ElementsAre(HasSubstr("is a list of")));
}

TEST(UserData, LeavesOutWhatIsForOtherInstances) {
    Sources second;
    second.launch_index = 2;
    const std::string_view text =
        "#cloud-config-archive\n- {content: '#!a', launch-index: 1}\n"
        "- {content: '#!b', launch-index: 2}\n- {content: '#!c'}\n";
    EXPECT_THAT(told(read(text, second)), ElementsAre("1 part-001 user-data:3 #!b", "1 part-002 user-data:4 #!c"));
    EXPECT_EQ(read(text).parts.size(), 3U);
    EXPECT_TRUE(read("#cloud-config\nhostname: x\nlaunch-index: 1\n", second).parts.empty());
    EXPECT_EQ(read("#cloud-config\nlaunch-index: 2\n", second).parts.size(), 1U);
}

TEST(UserData, IsKnownByHowItBegins) {
    for (const auto* text : {"#cloud-config\n", "#!/bin/sh", "## template: jinja\n", "#include\n", "\x1f\x8b\x08"})
        EXPECT_TRUE(is_cloud_init(text)) << text;
    for (const auto* text : {"# a comment\nvariant: fcos\n", "variant: fcos", "{}", ""})
        EXPECT_FALSE(is_cloud_init(text)) << text;
}

TEST(UserData, OfATemplate) {
    auto data = Value::map();
    data.set("name", "web");
    Sources sources;
    sources.instance_data = &data;
    const auto parts = read(
        "## template: jinja\n#cloud-config\n{% if name %}\n# a comment\nhostname: {{ name }}\n{% endif %}\nx: {{ "
        "none_such }}\n",
        sources);
    ASSERT_EQ(parts.parts.size(), 1U);
    EXPECT_EQ(parts.parts[0].content, "#cloud-config\n# a comment\nhostname: web\nx: CI_MISSING_JINJA_VAR/none_such\n");
    ASSERT_EQ(parts.warnings.size(), 1U);
    EXPECT_EQ(parts.warnings[0].text, "user-data:7: none_such: the instance's data has no such value");
    const auto config = read_cloud_config(parts.parts[0]);
    ASSERT_TRUE(config);
    EXPECT_EQ(config->at("hostname").mark().line, 5U);
    EXPECT_THAT(told(read("## template: jinja\n#cloud-config\n{% set x = 1 %}\n", sources)),
                ElementsAre("! user-data:3: \"set\" is not taken here: of blocks there are if, for and raw"));
    EXPECT_THAT(told(read("## template: jinja\n#include\nhttp://h\n", sources)), ElementsAre(HasSubstr("has to give")));
}

TEST(UserData, ShowsUrlsWithoutSecrets) {
    EXPECT_EQ(shown_url("https://user:pw@h.example/a/b?sig=secret#x"), "https://h.example/a/b");
    EXPECT_EQ(shown_url("http://h/@a"), "http://h/@a");
    EXPECT_EQ(shown_url("nonsense?x"), "nonsense");
}

}  // namespace
}  // namespace diatom::cloud
