// Fails every test case that leaves a descriptor open. Include it in one source of a test program; nothing to call.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>

namespace diatom::test {

class FdLeakCheck : public testing::EmptyTestEventListener {
    using Descriptors = std::map<std::string, std::string>;  // number, what it is open on

    static Descriptors open_now() {
        Descriptors descriptors;
        for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
            std::error_code closed;
            const auto target = std::filesystem::read_symlink(entry.path(), closed).string();
            const bool own = target.starts_with("/proc/") && target.ends_with("/fd");
            if (!closed && !own) descriptors.emplace(entry.path().filename().string(), target);
        }
        return descriptors;
    }

    void OnTestStart(const testing::TestInfo&) override { before_ = open_now(); }

    void OnTestEnd(const testing::TestInfo& test) override {
        for (const auto& [number, target] : open_now()) {
            if (before_.contains(number)) continue;
            ADD_FAILURE() << test.test_suite_name() << "." << test.name() << " left descriptor " << number
                          << " open on " << target;
        }
    }

    Descriptors before_;
};

// gtest owns the listener.
inline const bool kFdLeakCheck = [] {
    testing::UnitTest::GetInstance()->listeners().Append(new FdLeakCheck);
    return true;
}();

}  // namespace diatom::test
