// Sources against servers in this process. Nobody waits between attempts: what would have been waited for is in waits_,
// and the clock goes on by it.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>
#include <optional>

#include "http/testing/fake_server.h"
#include "platform/gather.h"
#include "tests/support/temp_dir.h"

namespace diatom::platform::testing {

using http::testing::FakeRequest;
using http::testing::FakeResponse;
using http::testing::FakeServer;

template <class T>
Result<T> run(Task<T> task) {
    boost::asio::io_context loop;
    std::optional<Result<T>> result;
    boost::asio::co_spawn(loop, std::move(task), [&](const std::exception_ptr& thrown, Result<T> got) {
        EXPECT_FALSE(thrown);
        result = std::move(got);
    });
    loop.run();
    return std::move(*result);
}

// Answers by target, 404 otherwise.
using Pages = std::map<std::string, FakeResponse>;
inline FakeServer::Handler serve(Pages pages) {
    return [pages = std::move(pages)](const FakeRequest& request) -> FakeResponse {
        const auto page = pages.find(request.target);
        return page == pages.end() ? FakeResponse{.status = 404, .body = "not here"} : page->second;
    };
}

class CloudFixture : public ::testing::Test {
protected:
    CloudFixture() {
        options_.stall = std::chrono::seconds(1);
        options_.pacing.monotonic_ns = [this] { return now_ms_ * 1'000'000; };
        options_.pacing.wait = [this](std::chrono::milliseconds duration) -> boost::asio::awaitable<Result<void>> {
            waits_.push_back(duration);
            now_ms_ += duration.count();
            co_return Result<void>{};
        };
    }

    void write(const std::string& path, const std::string& text) {
        const std::filesystem::path full = directory_ / path;
        std::filesystem::create_directories(full.parent_path());
        std::ofstream(full, std::ios::binary) << text;
    }
    // A file system with a label is a directory of that name.
    void mount_directories(Access& access) {
        access.mount = [this](const std::string& label) -> Result<std::string> {
            if (!std::filesystem::exists(directory_ / label)) return fail(Kind::not_found, "no such label");
            return directory_ / label;
        };
    }

    using Prepare = std::function<void(Access&)>;
    Result<Instance> read(Candidate candidate, const Prepare& prepare = {}) {
        Fetcher fetcher(options_);
        Access access{.facts = facts_, .fetcher = fetcher, .endpoints = endpoints_};
        mount_directories(access);
        if (prepare) prepare(access);
        return run(read_source(access, std::move(candidate)));
    }
    std::string read_error(Candidate candidate, Kind kind, const Prepare& prepare = {}) {
        const auto got = read(std::move(candidate), prepare);
        EXPECT_FALSE(got);
        if (got) return {};
        EXPECT_EQ(got.error().kind(), kind) << got.error().what();
        return got.error().what();
    }

    test::TempDir directory_;
    FetchOptions options_;
    Facts facts_;
    Endpoints endpoints_{
        .ec2 = {}, .openstack = {}, .gce = {}, .azure = {}, .azure_wireserver = {}, .digitalocean = {}, .hetzner = {}};
    std::vector<std::chrono::milliseconds> waits_;
    std::int64_t now_ms_ = 0;
};

}  // namespace diatom::platform::testing
