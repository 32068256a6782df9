#include "compose/project.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sys/file.h"
#include "tests/support/temp_dir.h"

namespace diatom::compose {
namespace {

using test::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ProjectTest : public ::testing::Test {
protected:
    void write(const std::string& name, std::string_view text) {
        const auto path = directory_.path() + "/" + name;
        ASSERT_TRUE(sys::make_dirs(path.substr(0, path.rfind('/'))));
        ASSERT_TRUE(sys::write_file(path, text));
    }
    Result<Project> load(LoadOptions options = {}) {
        options.current_directory = directory_.path();
        if (options.name.empty()) options.name = "test";
        return load_project(options);
    }
    std::string error(const LoadOptions& options = {}) {
        const auto loaded = load(options);
        return loaded ? "no error" : loaded.error().what();
    }

    TempDir directory_;
};

TEST_F(ProjectTest, FillsInWhatIsNotSaid) {
    write("compose.yaml", "services: {web: {image: x, ports: ['80:80']}}");
    const auto project = load();
    ASSERT_TRUE(project) << project.error().what();
    EXPECT_EQ(project->name, "test");
    EXPECT_EQ(project->directory, directory_.path());
    EXPECT_TRUE(project->services().at("web").at("networks").has("default"));
    EXPECT_EQ(project->document.at("networks").at("default").text_of("name"), "test_default");
}

TEST_F(ProjectTest, ErrorsSayFileLineKeyAndWhatToDo) {
    write("compose.yaml", "services:\n  web:\n    image: x\n    portz: []\n");
    EXPECT_EQ(error(),
              directory_.path() + "/compose.yaml:4: services.web: unknown key \"portz\": did you mean \"ports\"?");
    write("compose.yaml", "services:\n  web:\n    extends: {file: gone.yaml, service: a}\n");
    EXPECT_THAT(error(), HasSubstr("gone.yaml"));
    EXPECT_THAT(error({.files = {"none.yaml"}}), HasSubstr("none.yaml"));
}

TEST_F(ProjectTest, SaysWhereItLookedForAFile) {
    TempDir empty;
    const auto loaded = load_project({.name = "x", .current_directory = empty.path()});
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().kind(), Kind::not_found);
    EXPECT_THAT(loaded.error().what(), HasSubstr("name a file with -f"));
}

TEST_F(ProjectTest, AnIncludeThatIncludesItselfIsRefused) {
    write("compose.yaml", "include: [other/compose.yaml]\nservices: {}\n");
    write("other/compose.yaml", "include: [../compose.yaml]\nservices: {}\n");
    EXPECT_THAT(error(), HasSubstr("includes itself"));
}

TEST_F(ProjectTest, AnIncludeMayNotRedefine) {
    write("compose.yaml", "include: [inc.yaml]\nservices: {a: {image: a}}\n");
    write("inc.yaml", "services: {a: {image: b}}\n");
    EXPECT_THAT(error(), HasSubstr("services.a: stands in the included"));
}

TEST_F(ProjectTest, OnlyWhatIsAskedForAndNeeded) {
    write("compose.yaml",
          "services: {a: {image: a, depends_on: [b]}, b: {image: b}, c: {image: c}, d: {image: d, profiles: [p]}}");
    const auto names = [&](LoadOptions options) {
        std::vector<std::string> list;
        const auto project = load(std::move(options));
        if (!project) return std::vector{project.error().what()};
        for (const auto& [name, service] : project->services().members()) list.push_back(name);
        return list;
    };
    EXPECT_THAT(names({}), ElementsAre("a", "b", "c"));
    EXPECT_THAT(names({.services = {"a"}}), ElementsAre("a", "b"));
    EXPECT_THAT(names({.services = {"a"}, .dependencies = Dependencies::without}), ElementsAre("a"));
    EXPECT_THAT(names({.services = {"d"}}), ElementsAre("d"));
    EXPECT_THAT(names({.profiles = {"*"}}), ElementsAre("a", "b", "c", "d"));
    EXPECT_THAT(names({.services = {"gone"}}), ElementsAre("no such service: gone"));
}

TEST_F(ProjectTest, RawEnvFilesAreTakenAsTheyAre) {
    write("compose.yaml", "services: {a: {image: a, env_file: [{path: e, format: raw}]}}");
    write("e", "A=\"$B\" # c\n");
    const auto project = load();
    ASSERT_TRUE(project) << project.error().what();
    EXPECT_EQ(project->services().at("a").at("environment").text_of("A"), "\"$B\" # c");
}

TEST_F(ProjectTest, TheHashIsThatOfTheService) {
    write("compose.yaml", "services: {a: {image: a}, b: {image: a, scale: 3, build: .}, c: {image: c}}");
    const auto project = load();
    ASSERT_TRUE(project) << project.error().what();
    const auto hash = [&](const char* name) { return config_hash(project->services().at(name)); };
    EXPECT_EQ(hash("a").size(), 64U);
    EXPECT_EQ(hash("a"), hash("b"));  // neither the number of containers nor the build changes a container
    EXPECT_NE(hash("a"), hash("c"));
}

TEST(ProjectName, IsMadeOfWhatIsAllowed) {
    EXPECT_EQ(normalize_name("My.App 1_x-"), "myapp1_x-");
    EXPECT_EQ(normalize_name("__x"), "x");
    EXPECT_EQ(normalize_name("..."), "");
}

}  // namespace
}  // namespace diatom::compose
