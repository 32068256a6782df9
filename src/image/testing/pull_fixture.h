// Pulls from registries in this process into a store in a temporary directory. Nobody waits: what would have been
// waited for is in waits_, and the clock stands.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "image/registry.h"
#include "image/testing/fake_registry.h"
#include "tests/support/temp_dir.h"

namespace diatom::image::testing {

inline const Platform kAmd64{"linux", "amd64", ""};

class PullFixture : public ::testing::Test {
protected:
    PullFixture() : store_(*Store::open(root())) {
        options_.stall_timeout = std::chrono::seconds(1);
        options_.pacing.attempts = 3;
        options_.pacing.wait = [this](std::chrono::milliseconds duration) -> boost::asio::awaitable<Result<void>> {
            waits_.push_back(duration);
            co_return Result<void>{};
        };
        options_.pacing.wall_ns = [this] { return now_s_ * 1'000'000'000; };
        options_.pacing.monotonic_ns = options_.pacing.wall_ns;
    }

    std::string root() const { return directory_ / "store"; }
    // As when the engine was killed.
    void reopen() {
        store_.reset();
        store_ = *Store::open(root());
        const auto recovered = store_->recover({});
        EXPECT_TRUE(recovered) << recovered.error().what();
    }

    using Pull = boost::asio::awaitable<Result<Pulled>>;
    // Runs until all that `begin` starts are done, in one process's registry client.
    std::vector<Result<Pulled>> run(std::vector<std::function<Pull(Registry&)>> begin) {
        namespace asio = boost::asio;
        asio::io_context loop;
        asio::thread_pool workers(2);
        auto registry = Registry::create(options_, *store_, workers);
        auto busy = std::optional(asio::make_work_guard(loop));
        std::vector<Result<Pulled>> results;
        for (const auto& start : begin) {
            asio::co_spawn(loop, start(*registry), [&](const std::exception_ptr& thrown, Result<Pulled> pulled) {
                EXPECT_FALSE(thrown);
                results.push_back(std::move(pulled));
                if (results.size() == begin.size()) busy.reset();
            });
        }
        loop.run();
        workers.join();
        return results;
    }
    static Pull pull_one(Registry& registry, std::string name, std::optional<Credentials> credentials) {
        const ProgressSink ignore = [](const Progress&) {};
        co_return co_await registry.pull(*Reference::parse(name), kAmd64, std::move(credentials), ignore);
    }
    std::vector<Result<Pulled>> pull_all(const std::vector<std::string>& names,
                                         std::optional<Credentials> credentials = {}) {
        std::vector<std::function<Pull(Registry&)>> begin;
        for (const auto& name : names)
            begin.push_back([=](Registry& registry) { return pull_one(registry, name, credentials); });
        return run(std::move(begin));
    }
    Result<Pulled> pull(const std::string& name, std::optional<Credentials> credentials = {}) {
        return std::move(pull_all({name}, std::move(credentials)).front());
    }
    std::string pull_error(const std::string& name, Kind kind, std::optional<Credentials> credentials = {}) {
        const auto pulled = pull(name, std::move(credentials));
        EXPECT_FALSE(pulled);
        if (pulled) return {};
        EXPECT_EQ(pulled.error().kind(), kind) << pulled.error().what();
        return pulled.error().what();
    }

    test::TempDir directory_;
    std::unique_ptr<Store> store_;
    RegistryOptions options_;
    std::vector<std::chrono::milliseconds> waits_;
    std::int64_t now_s_ = 1'000'000;
    TestImage image_ =
        make_image({one_file_layer("etc/motd", "hello"), one_file_layer("bin/big", std::string(300'000, 'x'))});
};

}  // namespace diatom::image::testing
