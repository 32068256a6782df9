#include "net/port.h"

#include <gtest/gtest.h>

namespace diatom::net {
namespace {

TEST(ParsePort, TakesWhatDockerTakes) {
    EXPECT_EQ(*parse_port("80/tcp"), (Port{Protocol::tcp, 80}));
    EXPECT_EQ(*parse_port("53/udp"), (Port{Protocol::udp, 53}));
    EXPECT_EQ(*parse_port("3868/sctp"), (Port{Protocol::sctp, 3868}));
    EXPECT_EQ(*parse_port("65535"), (Port{Protocol::tcp, 65535}));
}

TEST(ParsePort, RefusesTheRestByName) {
    for (const auto* text : {"", "0", "65536/tcp", "-1/tcp", "80/", "80/icmp", "80/TCP", "tcp", "80/tcp/udp", " 80"}) {
        const auto port = parse_port(text);
        ASSERT_FALSE(port) << text;
        EXPECT_EQ(port.error().kind(), Kind::invalid);
        EXPECT_NE(port.error().what().find(std::string("\"") + text + "\""), std::string::npos) << port.error().what();
    }
}

}  // namespace
}  // namespace diatom::net
