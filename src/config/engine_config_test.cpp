#include "config/engine_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sys/file.h"

namespace diatom::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

TEST(EngineConfig, DecodesFile) {
    const auto c = decode_engine_config(
        R"({"registry_mirrors":{"docker.io":"m:5000"},"insecure_registries":["m:5000"],"tls":{"port":2377}})", "f");
    ASSERT_TRUE(c) << c.error().what();
    EXPECT_THAT(c->mirrors, ElementsAre(Pair("docker.io", "m:5000")));
    EXPECT_THAT(c->insecure_registries, ElementsAre("m:5000"));
    EXPECT_EQ(c->tls, (TlsAddress{"::", 2377}));
    EXPECT_TRUE(decode_engine_config(R"({"tls":false})", "f")->tls_off);
    EXPECT_THAT(decode_engine_config(R"({"registry_mirrors":["a=b"]})", "f")->mirrors, ElementsAre(Pair("a", "b")));
}

TEST(EngineConfig, DecodesCredentialsAsDockerWritesThem) {
    const auto c = decode_engine_config(
        R"({"registry_auths":{"a":{"username":"me","password":"p"},"b":{"auth":"bWU6cDpx"},"c":{"identitytoken":"t"}}})",
        "f");
    ASSERT_TRUE(c) << c.error().what();
    EXPECT_EQ(c->registry_auths.at("a"), (RegistryAuth{"me", "p", ""}));
    EXPECT_EQ(c->registry_auths.at("b"), (RegistryAuth{"me", "p:q", ""}));
    EXPECT_EQ(c->registry_auths.at("c"), (RegistryAuth{"", "", "t"}));
}

TEST(EngineConfig, ProxiesComeFromTheLineThenTheFileThenTheEnvironment) {
    const std::string file = testing::TempDir() + "/proxies.json";
    ASSERT_TRUE(sys::write_file(file, R"({"proxies":{"http_proxy":"file","https_proxy":"file"}})"));
    std::vector<std::string> warnings;
    auto c = load_engine_config(file, decode_boot_config("diatom.http_proxy=line"), warnings);
    EXPECT_THAT(warnings, IsEmpty());
    complete_proxies(c.proxies, [](const char* name) {
        return std::string(name) == "no_proxy" || std::string(name) == "HTTP_PROXY" ? "environment" : "";
    });
    EXPECT_EQ(c.proxies, (Proxies{"line", "file", "environment"}));
}

TEST(EngineConfig, MistakesNameFileAndKey) {
    EXPECT_EQ(decode_engine_config(R"({"registry_mirror":{}})", "f").error().what(),
              "f: unknown key \"registry_mirror\", did you mean \"registry_mirrors\"?");
    for (const auto* text : {"[]", "{", R"({"tls":{"port":0}})", R"({"tls":7})", R"({"registry_mirrors":["a"]})",
                             R"({"insecure_registries":[1]})", R"({"tls":{"prt":1}})", R"({"proxies":{"http":"x"}})",
                             R"({"proxies":[]})", R"({"registry_auths":{"h":{}}})",
                             R"({"registry_auths":{"h":{"auth":"bWU="}}})", R"({"registry_auths":[]})"}) {
        EXPECT_THAT(decode_engine_config(text, "f").error().what(), HasSubstr("f")) << text;
    }
}

TEST(EngineConfig, CommandLineComesFirstAndABadFileIsAWarning) {
    const std::string file = testing::TempDir() + "/engine.json";
    ASSERT_TRUE(sys::write_file(file, R"({"registry_mirrors":{"a":"file"},"tls":true})"));
    std::vector<std::string> warnings;
    const auto boot = decode_boot_config("diatom.registry.mirror=a=line diatom.tls=off");
    const auto c = load_engine_config(file, boot, warnings);
    EXPECT_THAT(c.mirrors, ElementsAre(Pair("a", "line"), Pair("a", "file")));
    EXPECT_TRUE(c.tls_off);
    EXPECT_THAT(warnings, IsEmpty());
    ASSERT_TRUE(sys::write_file(file, "{"));
    load_engine_config(file, boot, warnings);
    EXPECT_EQ(warnings.size(), 1U);
    load_engine_config(file + ".none", boot, warnings);
    EXPECT_EQ(warnings.size(), 1U);
}

TEST(EngineConfig, CertificatesOfTheHostTurnTlsOn) {
    const std::string dir = testing::TempDir() + "/tls-test";
    EXPECT_FALSE(*find_tls_files({}, dir, dir + "/fw"));
    EngineConfig configured;
    configured.tls = TlsAddress{"::1", 1};
    EXPECT_THAT(find_tls_files(configured, dir, dir + "/fw").error().what(), HasSubstr("tls-test/tls/ca.pem"));
    for (const auto* name : {"ca.pem", "server-cert.pem", "server-key.pem"}) {
        ASSERT_TRUE(sys::make_dirs(dir + "/fw/" + name));
        ASSERT_TRUE(sys::write_file(dir + "/fw/" + name + "/raw", "x"));
    }
    EXPECT_EQ((*find_tls_files({}, dir, dir + "/fw"))->at.port, 2376);
    EXPECT_EQ((*find_tls_files(configured, dir, dir + "/fw"))->at.port, 1);
    configured.tls_off = true;
    EXPECT_FALSE(*find_tls_files(configured, dir, dir + "/fw"));
    ASSERT_TRUE(sys::remove_tree(dir));
}

}  // namespace
}  // namespace diatom::config
