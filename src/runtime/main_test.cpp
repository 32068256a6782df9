#include <gtest/gtest.h>

#include "runtime/testing/main.h"

namespace {

// What a test kills to see what becomes of its container: launches the specification in argv[1], tells the pid, waits.
int call_and_wait(const char* text) {
    using namespace diatom;
    const auto document = parse_json(text, "specification");
    const auto spec = document ? runtime::decode_spec(*document) : forward_error(Result<Json>(document));
    if (!spec) return 1;
    const auto created = runtime::launch(*spec, {});
    if (!created) return 1;
    std::printf("%d\n", created->process().pid);
    std::fflush(stdout);
    ::pause();
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (diatom::runtime::testing::is_executor(argv)) return diatom::runtime::executor_main();
    if (argc == 2 && argv[0] == diatom::runtime::testing::kCallerName) return call_and_wait(argv[1]);
    ::testing::InitGoogleTest(&argc, argv);
    if (const auto entered = diatom::runtime::testing::enter_own_root(); !entered) {
        std::fprintf(stderr, "runtime_test: %s\n", entered.error().what().c_str());
        return 1;
    }
    return RUN_ALL_TESTS();
}
