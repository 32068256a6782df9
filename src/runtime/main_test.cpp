#include <gtest/gtest.h>

#include "runtime/testing/main.h"

int main(int argc, char** argv) {
    if (diatom::runtime::testing::is_executor(argv)) return diatom::runtime::executor_main();
    ::testing::InitGoogleTest(&argc, argv);
    if (const auto entered = diatom::runtime::testing::enter_own_root(); !entered) {
        std::fprintf(stderr, "runtime_test: %s\n", entered.error().what().c_str());
        return 1;
    }
    return RUN_ALL_TESTS();
}
