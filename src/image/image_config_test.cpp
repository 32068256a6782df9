#include "image/image_config.h"

#include <gtest/gtest.h>

namespace diatom::image {
namespace {

TEST(ImageConfigTest, TakesDockersChanges) {
    Json config{{"Env", {"A=1", "B=2"}}, {"WorkingDir", "/w"}};
    for (const char* change : {"CMD [\"a\", \"b c\"]", "ENTRYPOINT run it", "ENV A=x \"C=with space\"",
                               "env D the rest", "LABEL one=1 two='2 3'", "EXPOSE 80 53/udp", "VOLUME [\"/data\"]",
                               "USER web:web", "WORKDIR below", "STOPSIGNAL SIGINT", "ONBUILD RUN true"}) {
        const auto applied = apply_change(config, change);
        EXPECT_TRUE(applied) << applied.error().what();
    }
    EXPECT_EQ(config["Cmd"], Json({"a", "b c"}));
    EXPECT_EQ(config["Entrypoint"], Json({"/bin/sh", "-c", "run it"}));
    EXPECT_EQ(config["Env"], Json({"B=2", "A=x", "C=with space", "D=the rest"}));
    EXPECT_EQ(config["Labels"], (Json{{"one", "1"}, {"two", "2 3"}}));
    EXPECT_EQ(config["ExposedPorts"], (Json{{"80/tcp", Json::object()}, {"53/udp", Json::object()}}));
    EXPECT_EQ(config["Volumes"], (Json{{"/data", Json::object()}}));
    EXPECT_EQ(config["WorkingDir"], "/w/below");
    EXPECT_EQ(config["User"], "web:web");
}

TEST(ImageConfigTest, VariablesAreTheEnvironments) {
    Json config{{"Env", {"PATH=/bin", "WHO=web", "NONE="}}};
    for (const char* change :
         {"ENV PATH=/usr/bin:$PATH A=${WHO}s B='$WHO' C=\\$WHO D=${NONE:-x}${ABSENT:-y}${WHO:+z} E=$ABSENT F=5$",
          "ENV G of $WHO", "USER $WHO", "WORKDIR /home/${WHO}", "LABEL who=\"$WHO 1\"", "CMD [\"$WHO\"]"}) {
        const auto applied = apply_change(config, change);
        EXPECT_TRUE(applied) << applied.error().what();
    }
    EXPECT_EQ(config["Env"], Json({"WHO=web", "NONE=", "PATH=/usr/bin:/bin", "A=webs", "B=$WHO", "C=$WHO", "D=xyz",
                                   "E=", "F=5$", "G=of web"}));
    EXPECT_EQ(config["User"], "web");
    EXPECT_EQ(config["WorkingDir"], "/home/web");
    EXPECT_EQ(config["Labels"], (Json{{"who", "web 1"}}));
    EXPECT_EQ(config["Cmd"], Json::array({"$WHO"}));
}

TEST(ImageConfigTest, RefusesWhatItCannotRead) {
    Json config = Json::object();
    for (const char* change : {"RUN true", "CMD", "ENV lonely", "CMD [1]", "LABEL a='b", "ENV A=${", "ENV A=${B:?x}"}) {
        const auto applied = apply_change(config, change);
        ASSERT_FALSE(applied) << change;
        EXPECT_EQ(applied.error().kind(), Kind::invalid);
    }
}

TEST(ImageConfigTest, AddsALayerToWhatWasThere) {
    const auto first = Digest::of("first");
    const auto second = Digest::of("second");
    const Platform platform{"linux", "amd64", ""};
    const auto base = extend_config("", {.diff_id = first, .created = "2026-01-01T00:00:00Z", .created_by = "import"},
                                    Json::object(), {"CMD [\"sh\"]"}, platform);
    ASSERT_TRUE(base) << base.error().what();
    const auto above =
        extend_config(*base, {.diff_id = second, .created = "2026-01-02T00:00:00Z", .author = "me", .comment = "why"},
                      Json{{"User", "web"}}, {}, platform);
    ASSERT_TRUE(above) << above.error().what();
    const auto config = ImageConfig::decode(*above);
    ASSERT_TRUE(config);
    EXPECT_EQ(config->diff_ids, (std::vector{first, second}));
    EXPECT_EQ(config->cmd, std::vector<std::string>{"sh"});
    EXPECT_EQ(config->user, "web");
    EXPECT_EQ(config->author, "me");
    EXPECT_EQ(config->history.size(), 2U);
    EXPECT_EQ(config->platform, platform);
}

}  // namespace
}  // namespace diatom::image
