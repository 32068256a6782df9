#include <gtest/gtest.h>

#include "net/network.h"
#include "runtime/testing/main.h"

int main(int argc, char** argv) {
    if (diatom::runtime::testing::is_executor(argv)) return diatom::runtime::executor_main();
    ::testing::InitGoogleTest(&argc, argv);
    if (const auto entered = diatom::runtime::testing::enter_own_root(); !entered) {
        std::fprintf(stderr, "engine_test: %s\n", entered.error().what().c_str());
        return 1;
    }
    // Bridges and rules of the tests are this namespace's, not the host's.
    if (::unshare(CLONE_NEWNET) == 0) {
        const auto self = diatom::sys::open_path("/proc/self/ns/net", O_RDONLY);
        const auto network = diatom::net::Network::open("diatom-setup");
        if (!self || !network || !(*network)->loopback_up(*self)) std::fprintf(stderr, "engine_test: no loopback\n");
    }
    return RUN_ALL_TESTS();
}
