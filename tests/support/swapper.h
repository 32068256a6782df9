// Exchanges two names as fast as it can, as a hostile process of a container does while the engine looks at one of
// them.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>

namespace diatom::test {

// Between a directory and a link; what the other side removes of them is made anew.
class Swapper {
public:
    Swapper(std::string directory, std::string link, std::string target)
        : directory_(std::move(directory)), link_(std::move(link)), target_(std::move(target)), thread_([this] {
              while (!ending_) exchange();
          }) {}
    Swapper(const Swapper&) = delete;
    Swapper& operator=(const Swapper&) = delete;
    ~Swapper() {
        ending_ = true;
        thread_.join();
        EXPECT_GT(done_.load(), 0U) << "nothing was exchanged: " << directory_;
    }
    // Until it has exchanged them so often: what is repeated meanwhile did meet both.
    bool has_done(unsigned times) const { return done_ >= times; }

private:
    void exchange() {
        if (::renameat2(AT_FDCWD, directory_.c_str(), AT_FDCWD, link_.c_str(), RENAME_EXCHANGE) == 0) {
            ++done_;
            return;
        }
        (void)::mkdir(directory_.c_str(), 0755);
        (void)::symlink(target_.c_str(), link_.c_str());
    }

    std::string directory_, link_, target_;
    std::atomic<bool> ending_ = false;
    std::atomic<unsigned> done_ = 0;
    std::thread thread_;
};

}  // namespace diatom::test
