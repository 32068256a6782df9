#include "service/definitions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configure/digest.h"
#include "service/sources.h"
#include "sys/file.h"
#include "tests/support/temp_dir.h"

namespace diatom::service {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::UnorderedElementsAre;

class DefinitionsTest : public testing::Test {
protected:
    std::string at(const std::string& name) const { return directory_.path() + "/" + name; }
    std::string put(const std::string& name, std::string_view text) const {
        const auto file = at(name);
        EXPECT_TRUE(sys::make_dirs(file.substr(0, file.rfind('/'))));
        EXPECT_TRUE(sys::write_file(file, text));
        return file;
    }
    Definitions read(std::vector<std::string> files, Scope scope = Scope::system) const {
        const Sources sources{.files = std::move(files),
                              .own = {"network"},
                              .disabled = {},
                              .environment = {{"TAG", "7"}},
                              .scratch = at("scratch")};
        return read_definitions(sources, scope).value();
    }
    Places places() const {
        return {.configured = at("configured"), .own = at("own"), .optional = at("optional"), .scratch = at("run")};
    }

    test::TempDir directory_;
};

TEST_F(DefinitionsTest, FilesAreOneProject) {
    const auto made =
        read({put("a.yml", "services: {a: {image: 'a:$TAG', depends_on: [b], volumes: ['v:/v']}}\nvolumes: {v: {}}"),
              put("b.yml", "services: {b: {image: b, labels: {io.rancher.os.after: network}}}")});
    EXPECT_THAT(made.problems, IsEmpty());
    EXPECT_EQ(made.project.name, "system");
    EXPECT_EQ(made.project.services().at("a").text_of("image"), "a:7");
    EXPECT_EQ(made.project.services().at("a").text_of("container_name"), "a");
    EXPECT_TRUE(made.project.services().has("b"));
    EXPECT_EQ(made.project.document.at("volumes").at("v").text_of("name"), "system_v");
}

TEST_F(DefinitionsTest, WhatIsNoGoodCostsNoOther) {
    const auto made = read({put("a.yml", "services: {a: {image: a, depends_on: [c]}}"),
                            put("b.yml", "services: {b: {image: b, depends_on: [nobody]}}"),
                            put("c.yml", "services: {c: {image: c}}"), put("d.yml", "services: {d: [}"),
                            put("e.yml", "services: {e: {image: e, restrat: always}}"), at("missing.yml")});
    EXPECT_TRUE(made.project.services().has("a"));
    EXPECT_TRUE(made.project.services().has("c"));
    EXPECT_FALSE(made.project.services().has("b"));
    EXPECT_THAT(made.problems,
                testing::UnorderedElementsAre(HasSubstr("d.yml"), HasSubstr("missing.yml"),
                                              HasSubstr("b.yml:6: services.b: depends on the service \"nobody\""),
                                              HasSubstr("restrat")));
}

TEST_F(DefinitionsTest, NothingIsAnEmptyProject) {
    const auto made = read({put("a.yml", "services: {a: {image: a}}")}, Scope::user);
    EXPECT_EQ(made.project.name, "services");
    EXPECT_THAT(made.traits, IsEmpty());
    EXPECT_THAT(made.problems, IsEmpty());
}

TEST_F(DefinitionsTest, SourcesAreDefinedNamedAndIncluded) {
    put("own/10.yml", "services: {ntp: {command: [/bin/true]}}");
    put("configured/mine.yml", "services: {mine: {command: [/bin/true]}}");
    put("configured/disabled", "ntp\n");
    put("configured/projects/web.yml", "services: {web: {image: w}}");
    const auto more = put("more.yml", "services: {more: {image: m}}");
    put("optional/agent.yml", "services: {agent: {image: a}}");
    const auto digest = configure::sha256_hex("services: {more: {image: m}}");
    put("configured/projects/included", more + "#sha256:" + digest + "\nagent\n" + more +
                                            "#sha256:" + std::string(64, '0') +
                                            "\nhttp://127.0.0.1:1/a.yml\nftp://x/y\n/none.yml\n");
    configure::Fetching fetching({.look = configure::Look::kept_only, .directory = {}, .raise_network = {}});
    std::vector<std::string> problems;
    const auto found = find_sources(places(), fetching, problems);
    EXPECT_THAT(found.files, ElementsAre(at("configured/projects/web.yml"), more, at("optional/agent.yml")));
    EXPECT_THAT(found.own, ElementsAre("mine"));
    EXPECT_THAT(found.disabled, ElementsAre("ntp"));
    EXPECT_THAT(problems, ElementsAre(HasSubstr("sha256"), HasSubstr("http://127.0.0.1:1/a.yml: "),
                                      HasSubstr("ftp://x/y: ftp://x/y is neither an absolute path nor a URL"),
                                      HasSubstr("/none.yml: ")));
}

TEST_F(DefinitionsTest, TheImagesOptionalServicesAreGood) {
    const std::string directory = DIATOM_SOURCE_DIR "/src/config/optional";
    std::vector<std::string> files;
    const auto names = sys::list_dir(directory).value();
    for (const auto& name : names) files.push_back(directory + "/" + name);
    ASSERT_FALSE(files.empty());
    const auto made =
        read_definitions(
            {.files = files, .own = {"network", "udev"}, .disabled = {}, .environment = {}, .scratch = at("scratch")},
            Scope::system)
            .value();
    EXPECT_THAT(made.problems, IsEmpty());
    for (const auto& name : names) EXPECT_TRUE(made.project.services().has(name.substr(0, name.size() - 4))) << name;
}

TEST(Included, PathsUrlsAndDigests) {
    const auto digest = "sha256:" + std::string(64, 'a');
    EXPECT_EQ(parse_included("https://a/b.yml#" + digest)->place, "https://a/b.yml");
    EXPECT_EQ(parse_included("https://a/b.yml#" + digest)->digest, digest);
    EXPECT_TRUE(parse_included("http://a/b.yml")->is_url());
    EXPECT_FALSE(parse_included("/a/b.yml")->is_url());
    EXPECT_FALSE(parse_included("b.yml"));
    EXPECT_FALSE(parse_included("/b.yml#md5:1"));
    EXPECT_FALSE(parse_included("/b.yml#sha256:1"));
}

}  // namespace
}  // namespace diatom::service
