#include "image/registry_hosts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace diatom::image {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> bases(const std::string& domain, const RegistryOptions& options,
                               Mirrors mirrors = Mirrors::first) {
    std::vector<std::string> texts;
    for (const auto& base : registry_bases(domain, options, mirrors)) texts.push_back(base.url.text());
    return texts;
}

TEST(RegistryHosts, MirrorsComeFirst) {
    RegistryOptions options;
    options.mirrors = {{"docker.io", "m1:5000"}, {"quay.io", "m2"}, {"*", "http://m3"}};
    EXPECT_THAT(bases("docker.io", options),
                ElementsAre("https://m1:5000/", "http://m3/", "https://registry-1.docker.io/"));
    EXPECT_THAT(bases("docker.io", options, Mirrors::none), ElementsAre("https://registry-1.docker.io/"));
    EXPECT_THAT(bases("other.example:5000", options), ElementsAre("http://m3/", "https://other.example:5000/"));
}

TEST(RegistryHosts, PlainHttpIsForWhatIsListedAndForLoopback) {
    RegistryOptions options;
    options.insecure = {"lab.example:5000", "10.0.0.0/8", "fd00::/16"};
    for (const auto* host : {"lab.example:5000", "10.1.2.3:5000", "[fd00::1]:5000", "127.0.0.1:5000", "localhost"}) {
        EXPECT_THAT(bases(host, options),
                    ElementsAre(std::format("https://{}/", host), std::format("http://{}/", host)));
    }
    for (const auto* host : {"lab.example", "lab.example:5001", "11.1.2.3", "[fe00::1]:5000"})
        EXPECT_THAT(bases(host, options), ElementsAre(std::format("https://{}/", host)));
}

TEST(RegistryHosts, WhatIsSaidOverTlsCounts) {
    RegistryOptions options;
    options.insecure = {"lab.example"};
    const auto both = registry_bases("lab.example", options, Mirrors::none);
    ASSERT_EQ(both.size(), 2U);
    Failures refused;
    EXPECT_TRUE(refused.add(both[0], Error(Kind::unauthorized, "log in")));
    EXPECT_TRUE(refused.forbid(both[1]));

    Failures unknown;
    EXPECT_TRUE(unknown.add(both[0], Error(Kind::not_found, "unknown")));
    EXPECT_FALSE(unknown.forbid(both[1]));  // another server may listen there
    EXPECT_TRUE(unknown.add(both[1], Error(Kind::io, "status 400")));
    EXPECT_EQ(unknown.error().what(), "unknown");

    Failures silent;
    EXPECT_TRUE(silent.add(both[0], Error(Kind::unavailable, "no TLS")));
    EXPECT_FALSE(silent.forbid(both[1]));
    EXPECT_TRUE(silent.add(both[1], Error(Kind::not_found, "unknown")));
    EXPECT_EQ(silent.error().what(), "unknown");
    EXPECT_FALSE(silent.add(both[1], Error(Kind::exhausted, "disk full")));
    EXPECT_EQ(silent.error().what(), "disk full");
}

TEST(RegistryHosts, CredentialsStayWithTheirHost) {
    RegistryOptions options;
    options.credentials["m1"] = {.username = "configured"};
    const Credentials given{.username = "given"};
    EXPECT_EQ(credentials_for({.url = {}, .name = "docker.io", .mirror = false}, given, options)->username, "given");
    EXPECT_EQ(credentials_for({.url = {}, .name = "m1", .mirror = true}, given, options)->username, "configured");
    EXPECT_EQ(credentials_for({.url = {}, .name = "m1", .mirror = false}, {}, options)->username, "configured");
    EXPECT_FALSE(credentials_for({.url = {}, .name = "m2", .mirror = true}, given, options));
}

TEST(RegistryHosts, NoProxy) {
    constexpr auto kList = "localhost, .lab.example,corp.example,10.0.0.0/8";
    for (const auto* host : {"127.0.0.1", "localhost", "a.lab.example", "corp.example", "x.corp.example", "10.9.9.9"})
        EXPECT_TRUE(bypasses_proxy(host, kList)) << host;
    for (const auto* host : {"lab.example.org", "xcorp.example", "11.0.0.1"})
        EXPECT_FALSE(bypasses_proxy(host, kList)) << host;
    EXPECT_TRUE(bypasses_proxy("anything", "*"));
}

}  // namespace
}  // namespace diatom::image
