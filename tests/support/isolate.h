// Runs part of a test case in a child process: with a mount namespace of its own, or just to be able to die.
// Expectations that fail in the child are printed there and fail the case.
#pragma once

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>

namespace diatom::test {

inline constexpr int kNotAllowed = 77;

// Gives the wait status. `body` returns the exit code.
inline int in_child(const std::function<int()>& body) {
    std::fflush(nullptr);
    const pid_t pid = ::fork();
    if (pid == 0) {
        const int code = body();
        std::fflush(nullptr);
        ::_exit(testing::Test::HasFailure() && code == 0 ? 1 : code);
    }
    int status = -1;
    ::waitpid(pid, &status, 0);
    return status;
}

// Keeps what the child mounts from its parent. In a chroot "/" need not be a mount point: then one mount at a time.
inline void make_mounts_private() {
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0) return;
    std::ifstream mounts("/proc/self/mountinfo");
    for (std::string line; std::getline(mounts, line);) {
        std::istringstream fields(line);
        std::string skipped, target;
        fields >> skipped >> skipped >> skipped >> skipped >> target;
        ::mount(nullptr, target.c_str(), nullptr, MS_PRIVATE, nullptr);
    }
}

// Skips the case where namespaces may not be made.
inline void in_mount_namespace(const std::function<void()>& body) {
    const int status = in_child([&] {
        if (::unshare(CLONE_NEWNS) < 0) return kNotAllowed;
        make_mounts_private();
        body();
        return 0;
    });
    if (WIFEXITED(status) && WEXITSTATUS(status) == kNotAllowed) GTEST_SKIP() << "may not make a mount namespace";
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0)
        << "the part in a namespace failed, see above: " << status;
}

}  // namespace diatom::test
