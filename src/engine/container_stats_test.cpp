#include "engine/container_stats.h"

#include <gmock/gmock.h>
#include <unistd.h>

namespace diatom::engine {
namespace {

TEST(ContainerStats, ReadInterfacesButTheLoopback) {
    const auto found = parse_interfaces(
        "Inter-|   Receive                                                |  Transmit\n"
        " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls "
        "carrier "
        "compressed\n"
        "    lo:     100       2    0    0    0     0          0         0      100       2    0    0    0     0       "
        "0   "
        "       0\n"
        "  eth0:    1001       5    1    2    0     0          0         0     2002       7    3    4    0     0       "
        "0   "
        "       0\n");
    ASSERT_EQ(found.size(), 1U);
    const auto& eth0 = found.at("eth0");
    EXPECT_EQ(eth0.rx_bytes, 1001U);
    EXPECT_EQ(eth0.rx_dropped, 2U);
    EXPECT_EQ(eth0.tx_bytes, 2002U);
    EXPECT_EQ(eth0.tx_errors, 3U);
}

TEST(ContainerStats, ReadWhatDevicesTransferred) {
    const auto found = parse_io("254:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n7:1 \n\n");
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].major, 254U);
    EXPECT_EQ(found[0].read_bytes, 4096U);
    EXPECT_EQ(found[0].writes, 2U);
    EXPECT_EQ(found[1].minor, 1U);
    EXPECT_EQ(found[1].written_bytes, 0U);
}

TEST(ContainerStats, OfAProcessWithoutACgroup) {
    const auto stats = read_stats("", ::getpid());
    ASSERT_TRUE(stats) << stats.error().what();
    EXPECT_GT(stats->machine_cpu_ns, 0U);
    EXPECT_GT(stats->memory_limit, 0U);
    EXPECT_FALSE(stats->networks.contains("lo"));
}

}  // namespace
}  // namespace diatom::engine
