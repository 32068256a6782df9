#include "engine/legacy_links.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/codec.h"
#include "engine/etc_files.h"

namespace diatom::engine {
namespace {

using ::testing::ElementsAre;

Container target() {
    Container db{.id = std::string(64, 'd'), .name = "my-db"};
    db.config.exposed_ports = {"8080/tcp", "53/udp", "5432"};
    db.env = {"PATH=/bin", "HOME=/", "MODE=a=b", "bare"};
    db.state.status = Status::running;
    db.endpoints = {{.network = "bridge", .ip4 = net::Address::parse("172.17.0.2").value()}};
    return db;
}

TEST(LegacyLinks, AreReadAsDockerWritesThem) {
    EXPECT_EQ(parse_link("db")->alias, "db");
    EXPECT_EQ(parse_link("my-db:db")->target, "my-db");
    const auto told = parse_link("/my-db:/web/db").value();
    EXPECT_TRUE(told.target == "my-db" && told.alias == "db");
    for (const auto* text : {"", ":db", "db:", "a:b:c"}) EXPECT_FALSE(parse_link(text)) << text;
}

TEST(LegacyLinks, GiveTheVariablesThatDockerDocuments) {
    Container web{.id = std::string(64, 'a'), .name = "web"};
    ContainerLink link{.container = target().id, .alias = "the-db"};
    ASSERT_TRUE(refresh_link(web, link, target()));
    EXPECT_THAT(link_variables(web, link, target()),
                ElementsAre("THE_DB_PORT=tcp://172.17.0.2:5432", "THE_DB_PORT_5432_TCP=tcp://172.17.0.2:5432",
                            "THE_DB_PORT_5432_TCP_ADDR=172.17.0.2", "THE_DB_PORT_5432_TCP_PORT=5432",
                            "THE_DB_PORT_5432_TCP_PROTO=tcp", "THE_DB_PORT_8080_TCP=tcp://172.17.0.2:8080",
                            "THE_DB_PORT_8080_TCP_ADDR=172.17.0.2", "THE_DB_PORT_8080_TCP_PORT=8080",
                            "THE_DB_PORT_8080_TCP_PROTO=tcp", "THE_DB_PORT_53_UDP=udp://172.17.0.2:53",
                            "THE_DB_PORT_53_UDP_ADDR=172.17.0.2", "THE_DB_PORT_53_UDP_PORT=53",
                            "THE_DB_PORT_53_UDP_PROTO=udp", "THE_DB_NAME=/web/the-db", "THE_DB_ENV_MODE=a=b"));
    web.links = {link};
    EXPECT_THAT(link_lines(web), ElementsAre("172.17.0.2\tthe-db dddddddddddd my-db\n"));
    EXPECT_TRUE(hosts_text(web, {})->contains("172.17.0.2\tthe-db dddddddddddd my-db\n"));
    const auto kept = decode_container(encode(web)).value();
    EXPECT_EQ(link_lines(kept), link_lines(web));
}

TEST(LegacyLinks, NeedATargetThatRunsOnTheDefaultBridge) {
    const Container web{.name = "web"};
    ContainerLink link{.alias = "db"};
    auto stopped = target();
    stopped.state.status = Status::exited;
    EXPECT_EQ(refresh_link(web, link, stopped).error().what(),
              "Cannot link to a non running container: /my-db AS /web/db");
    auto elsewhere = target();
    elsewhere.endpoints[0].network = "own";
    EXPECT_TRUE(refresh_link(web, link, elsewhere).error().what().contains("does not belong to the default network"));
}

TEST(LegacyLinks, BelongToTheDefaultBridgeAlone) {
    ContainerConfig config{.networks = {{.network = "own", .links = {"a"}}, {.network = "bridge", .links = {"b"}}}};
    ASSERT_TRUE(take_links(config, "own"));
    EXPECT_EQ(config.links, std::vector<std::string>{"b"});
    EXPECT_EQ(config.networks[0].links, std::vector<std::string>{"a"}) << "for the name service";
    for (const auto* mode : {"host", "none", "container:x"}) {
        ContainerConfig other{.network_mode = mode, .networks = {{.network = mode, .links = {"b"}}}};
        EXPECT_FALSE(take_links(other, mode)) << mode;
    }
}

}  // namespace
}  // namespace diatom::engine
