#include "image/reference.h"

#include <gtest/gtest.h>

#include <string>

namespace diatom::image {
namespace {

const std::string kHex(64, 'a');

Reference parsed(const std::string& text) {
    auto reference = Reference::parse(text);
    EXPECT_TRUE(reference) << text << ": " << reference.error().what();
    return reference.value_or(Reference{});
}

struct Case {
    const char* text;
    const char* full;
    const char* familiar;
};

class ReferenceForms : public testing::TestWithParam<Case> {};

TEST_P(ReferenceForms, AreNormalisedAsDockerDoes) {
    const auto reference = parsed(GetParam().text);
    EXPECT_EQ(reference.full(), GetParam().full);
    EXPECT_EQ(reference.familiar(), GetParam().familiar);
    EXPECT_EQ(parsed(reference.full()), reference);
    EXPECT_EQ(parsed(reference.familiar()), reference);
}

INSTANTIATE_TEST_SUITE_P(
    Docker, ReferenceForms,
    testing::Values(Case{"nginx", "docker.io/library/nginx:latest", "nginx:latest"},
                    Case{"nginx:1.27", "docker.io/library/nginx:1.27", "nginx:1.27"},
                    Case{"docker.io/nginx", "docker.io/library/nginx:latest", "nginx:latest"},
                    Case{"index.docker.io/library/nginx", "docker.io/library/nginx:latest", "nginx:latest"},
                    Case{"team/app", "docker.io/team/app:latest", "team/app:latest"},
                    Case{"docker.io/library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest"},
                    Case{"docker.io/quay.io/x", "docker.io/quay.io/x:latest", "docker.io/quay.io/x:latest"},
                    Case{"docker.io/localhost/x", "docker.io/localhost/x:latest", "docker.io/localhost/x:latest"},
                    Case{"localhost/app", "localhost/app:latest", "localhost/app:latest"},
                    Case{"localhost:5000/web", "localhost:5000/web:latest", "localhost:5000/web:latest"},
                    Case{"10.0.2.2:5000/a/b:v1", "10.0.2.2:5000/a/b:v1", "10.0.2.2:5000/a/b:v1"},
                    Case{"[::1]:5000/web", "[::1]:5000/web:latest", "[::1]:5000/web:latest"},
                    Case{"HOST/app", "HOST/app:latest", "HOST/app:latest"},
                    Case{"localhost:5000", "docker.io/library/localhost:5000", "localhost:5000"},
                    Case{"a__b/c--d", "docker.io/a__b/c--d:latest", "a__b/c--d:latest"}));

TEST(Reference, ADigestReplacesTheTag) {
    const auto reference = parsed("busybox:1.36@sha256:" + kHex);
    EXPECT_EQ(reference.tag, "");
    EXPECT_EQ(reference.full(), "docker.io/library/busybox@sha256:" + kHex);
    EXPECT_EQ(reference.familiar(), "busybox@sha256:" + kHex);
}

TEST(Reference, ARepositoryNamedLikeAnImageIdKeepsItsPath) {
    const auto reference = parsed("library/" + kHex);
    EXPECT_EQ(reference.familiar(), "library/" + kHex + ":latest");
    EXPECT_EQ(parsed(reference.familiar()), reference);
}

TEST(Reference, SaysThatRepositoriesAreLowercase) {
    const auto reference = Reference::parse("docker.io/Team/app");
    ASSERT_FALSE(reference);
    EXPECT_EQ(reference.error().kind(), Kind::invalid);
    EXPECT_EQ(reference.error().what(), "invalid reference format: repository name (Team/app) must be lowercase");
}

TEST(Reference, RefusesWhatIsNoReference) {
    for (const std::string& text : {std::string(),
                                    std::string(":tag"),
                                    std::string("/app"),
                                    std::string("app/"),
                                    std::string("a//b"),
                                    std::string("app:"),
                                    std::string("app:.x"),
                                    std::string("app: x"),
                                    std::string("../etc"),
                                    std::string("a_-b"),
                                    std::string("a___b"),
                                    std::string("a..b"),
                                    std::string("-a"),
                                    std::string("a-"),
                                    std::string("host:99999/app"),
                                    std::string("host:/app"),
                                    std::string("[::1/app"),
                                    std::string("app@sha256:12"),
                                    std::string("app@md5:" + kHex),
                                    std::string("app\0x", 5),
                                    std::string("app\n"),
                                    kHex,
                                    "app:" + std::string(129, 'x'),
                                    std::string(256, 'x')}) {
        EXPECT_FALSE(Reference::parse(text)) << '"' << text << '"';
    }
}

TEST(Reference, AcceptsTheLongestNames) {
    EXPECT_TRUE(Reference::parse("localhost/" + std::string(255, 'x') + ":" + std::string(128, 'y')));
}

TEST(Reference, NamesThatReadLikeDigestsAreNoTags) {
    EXPECT_TRUE(check_taggable(Reference::parse("busybox:test").value()));
    EXPECT_TRUE(check_taggable(Reference::parse("lab.example/sha256:x").value()));
    const auto ambiguous = check_taggable(Reference::parse("sha256:sometag").value());
    ASSERT_FALSE(ambiguous);
    EXPECT_TRUE(ambiguous.error().what().contains("ambiguous tag")) << ambiguous.error().what();
    const auto pinned = check_taggable(Reference::parse("busybox@" + Digest::of("x").text()).value());
    ASSERT_FALSE(pinned);
    EXPECT_TRUE(pinned.error().what().contains("digest reference")) << pinned.error().what();
}

}  // namespace
}  // namespace diatom::image
