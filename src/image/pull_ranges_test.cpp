// Large blobs over several connections, and what a pull finds that was begun before.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <condition_variable>
#include <filesystem>
#include <future>
#include <random>

#include "image/testing/pull_fixture.h"
#include "image/testing/store_fixture.h"
#include "sys/file.h"
#include "tests/support/isolate.h"

namespace diatom::image {
namespace {

namespace asio = boost::asio;
using testing::FakeRegistry;
using testing::FakeRequest;
using testing::FakeResponse;
using testing::one_file_layer;
using testing::serve_image;

constexpr std::uint64_t kSpan = 64U << 10U;

class PullRangesTest : public testing::PullFixture {
protected:
    PullRangesTest() {
        options_.download = {.connections = 4, .extra_connections = 3, .span = kSpan, .several_from = 2 * kSpan};
        std::mt19937 random(3);
        std::string noise(1'000'000, '\0');
        for (auto& c : noise) c = static_cast<char>(random());
        image_ = testing::make_image({one_file_layer("small", "s"), one_file_layer("noise", noise)});
    }
    std::string big() const { return Digest::of(image_.layers[1]).text(); }
    std::uint64_t big_size() const { return image_.layers[1].size(); }

    static ByteRange asked(const FakeRequest& request) {
        const auto ends = cut(std::string_view(request.headers.at("range")).substr(6), '-').value();
        return {*parse_uint(ends.first), *parse_uint(ends.second) + 1};
    }
    // Each byte once.
    void expect_tiled(const std::vector<FakeRequest>& requests) const {
        RangeSet seen;
        std::uint64_t sum = 0;
        for (const auto& request : requests) {
            seen.add(asked(request));
            sum += asked(request).size();
        }
        EXPECT_EQ(seen.total(), big_size());
        EXPECT_EQ(sum, big_size());
    }
    std::string small_file() const { return root() + "/layers/" + std::string(Digest::of(image_.layers[0]).hex()); }
};

TEST_F(PullRangesTest, ALargeBlobComesOverSeveralConnections) {
    std::mutex mutex;
    std::condition_variable changed;
    int together = 0;
    FakeRegistry server([&](const FakeRequest& request) {
        if (request.target.ends_with(big()) && asked(request).begin > 0) {
            // Nobody is answered before three ask at once.
            std::unique_lock lock(mutex);
            ++together;
            changed.notify_all();
            changed.wait(lock, [&] { return together >= 3; });
        }
        return serve_image(image_, request);
    });
    options_.stall_timeout = std::chrono::seconds(60);
    const auto pulled = pull(server.address() + "/app");
    ASSERT_TRUE(pulled) << pulled.error().what();
    expect_tiled(server.requests(big()));
    EXPECT_EQ(server.requests(Digest::of(image_.layers[0]).text()).size(), 1U);
}

TEST_F(PullRangesTest, ConnectionsAreBoundedOverAll) {
    FakeRegistry server([&](const FakeRequest& request) { return serve_image(image_, request); });
    options_.download.extra_connections = 0;
    const auto pulled = pull(server.address() + "/app");
    ASSERT_TRUE(pulled) << pulled.error().what();
    EXPECT_EQ(server.requests(big()).size(), 1U);
}

TEST_F(PullRangesTest, AServerThatKnowsNoRangesIsAskedOnce) {
    FakeRegistry server([&](const FakeRequest& request) {
        auto plain = request;
        plain.headers.erase("range");
        return serve_image(image_, plain);
    });
    const auto pulled = pull(server.address() + "/app");
    ASSERT_TRUE(pulled) << pulled.error().what();
    EXPECT_EQ(server.requests(big()).size(), 1U);
}

// As some networks of caches do: one answer knows ranges, the next does not.
TEST_F(PullRangesTest, AServerMayForgetRangesInBetween) {
    std::atomic<int> answers = 0;
    FakeRegistry server([&](const FakeRequest& request) {
        auto changed = request;
        if (request.target.ends_with(big()) && ++answers > 2) changed.headers.erase("range");
        return serve_image(image_, changed);
    });
    const auto pulled = pull(server.address() + "/app");
    ASSERT_TRUE(pulled) << pulled.error().what();
}

TEST_F(PullRangesTest, ARefusedConnectionLeavesTheOthersToGoOn) {
    std::atomic<int> busy = 0;
    FakeRegistry server([&](const FakeRequest& request) -> FakeResponse {
        if (request.target.ends_with(big()) && asked(request).begin == 2 * kSpan && busy++ < 3) return {.status = 429};
        return serve_image(image_, request);
    });
    const auto pulled = pull(server.address() + "/app");
    ASSERT_TRUE(pulled) << pulled.error().what();
}

TEST_F(PullRangesTest, AnAnswerOfOtherBytesIsRefused) {
    FakeRegistry server([&](const FakeRequest& request) {
        auto response = serve_image(image_, request);
        if (response.status == 206) response.headers = {"Content-Range: bytes 5-9/10"};
        return response;
    });
    EXPECT_THAT(pull_error(server.address() + "/app", Kind::io), ::testing::HasSubstr("bytes 5-9/10"));
}

TEST_F(PullRangesTest, AnotherEngineGoesOnWhereThisOneWasKilled) {
    options_.pacing.attempts = 1;
    options_.download.connections = 1;
    {
        FakeRegistry server([&](const FakeRequest& request) {
            auto response = serve_image(image_, request);
            if (request.target.ends_with(big())) response.only = 600'000;
            return response;
        });
        pull_error(server.address() + "/app", Kind::unavailable);
    }
    reopen();
    FakeRegistry server([&](const FakeRequest& request) { return serve_image(image_, request); });
    const auto pulled = pull(server.address() + "/app");
    ASSERT_TRUE(pulled) << pulled.error().what();
    ASSERT_EQ(server.requests(big()).size(), 1U);
    EXPECT_EQ(asked(server.requests(big())[0]), (ByteRange{600'000, big_size()}));
    EXPECT_TRUE(server.requests(Digest::of(image_.layers[0]).text()).empty());  // it was there already
}

TEST_F(PullRangesTest, AnotherEngineFetchesOnlyTheRangesThatAreMissing) {
    const RangeSet there = [&] {
        auto blob = *store_->receive_blob({.digest = *Digest::parse(big()), .size = big_size()});
        for (const auto begin : {std::uint64_t{0}, 3 * kSpan, 5 * kSpan})
            EXPECT_TRUE(blob->write(begin, std::string_view(image_.layers[1]).substr(begin, kSpan)));
        return blob->present();
    }();
    reopen();
    FakeRegistry server([&](const FakeRequest& request) { return serve_image(image_, request); });
    const auto pulled = pull(server.address() + "/app");
    ASSERT_TRUE(pulled) << pulled.error().what();
    std::uint64_t sum = there.total();
    for (const auto& request : server.requests(big())) {
        auto range = asked(request);
        sum += range.size();
        RangeSet both = there;
        both.add(range);
        EXPECT_EQ(both.total(), there.total() + range.size());
    }
    EXPECT_EQ(sum, big_size());
}

// As after a power cut: the journal promises what the disk never got.
TEST_F(PullRangesTest, WhatAnotherEngineLeftMayBeWrong) {
    {
        auto blob = *store_->receive_blob({.digest = *Digest::parse(big()), .size = big_size()});
        ASSERT_TRUE(blob->write(0, std::string(500'000, '\0')));
    }
    FakeRegistry server([&](const FakeRequest& request) { return serve_image(image_, request); });
    const auto pulled = pull(server.address() + "/app");
    ASSERT_TRUE(pulled) << pulled.error().what();
}

TEST_F(PullRangesTest, LayersOfAFailedPullStayForADay) {
    options_.pacing.attempts = 1;
    FakeRegistry server([&](const FakeRequest& request) -> FakeResponse {
        if (request.target.ends_with(big())) return {.status = 500};
        return serve_image(image_, request);
    });
    pull_error(server.address() + "/app", Kind::unavailable);
    EXPECT_TRUE(*store_->has_layer(Digest::of(image_.layers[0])));
    ASSERT_TRUE(store_->collect(Leftovers::keep_a_day));
    EXPECT_TRUE(*store_->has_layer(Digest::of(image_.layers[0])));
    store_.reset();
    store_ = *Store::open(root(), [] { return sys::wall_ns() + 25LL * 3600 * 1'000'000'000; });
    ASSERT_TRUE(store_->collect(Leftovers::keep_a_day));
    EXPECT_FALSE(*store_->has_layer(Digest::of(image_.layers[0])));
    EXPECT_FALSE(sys::exists(small_file()));
}

TEST_F(PullRangesTest, AFullDiskIsLeftAsItWas) {
    test::in_mount_namespace([&] {
        store_.reset();
        ASSERT_EQ(::mount("tmpfs", root().c_str(), "tmpfs", 0, "size=4m"), 0);
        store_ = *Store::open(root());
        image_ =
            testing::make_image({one_file_layer("small", "s"), one_file_layer("big", std::string(6U << 20U, 'b'))});
        FakeRegistry server([&](const FakeRequest& request) { return serve_image(image_, request); });
        options_.parallel_layers = 1;
        pull_error(server.address() + "/app", Kind::exhausted);
        EXPECT_FALSE(server.requests(big()).empty());  // the small one was there by then
        for (const auto* directory : {"/layers", "/ingest", "/blobs/sha256"})
            EXPECT_TRUE(sys::list_dir(root() + directory)->empty()) << directory;
    });
}

// The server keeps back the second half until the first file of the layer was unpacked.
TEST_F(PullRangesTest, ALayerIsUnpackedWhileItComes) {
    const auto early = testing::TarBuilder().file("early", "e").file("late", std::string(6U << 20U, 'l')).finish();
    image_ = testing::make_image({early});
    constexpr std::uint64_t kHalf = 3U << 20U;
    options_.download = {.connections = 2, .extra_connections = 1, .span = kHalf, .several_from = kHalf};
    options_.stall_timeout = std::chrono::seconds(60);
    const auto unpacked = [&] {
        for (const auto& entry : std::filesystem::directory_iterator(root() + "/ingest")) {
            if (sys::exists(entry.path().string() + "/fs/early")) return true;
        }
        return false;
    };
    FakeRegistry server([&](const FakeRequest& request) {
        const bool second = request.target.ends_with(Digest::of(early).text()) && asked(request).begin >= kHalf;
        while (second && !unpacked()) std::this_thread::yield();
        return serve_image(image_, request);
    });
    const auto pulled = pull(server.address() + "/app");
    ASSERT_TRUE(pulled) << pulled.error().what();
}

TEST_F(PullRangesTest, ACancelledPullEndsItsUnpackingAndStaysResumable) {
    options_.download.connections = 1;
    options_.stall_timeout = std::chrono::seconds(60);
    asio::cancellation_signal cancel;
    std::optional<asio::any_io_executor> loop;
    const auto loop_known = std::make_shared<std::promise<void>>();
    FakeRegistry server([&](const FakeRequest& request) {
        auto response = serve_image(image_, request);
        if (!request.target.ends_with(big())) return response;
        loop_known->get_future().wait();
        asio::post(*loop, [&] { cancel.emit(asio::cancellation_type::terminal); });
        response.only = 600'000;
        response.then = FakeResponse::Then::stall;
        return response;
    });
    asio::io_context context;
    asio::thread_pool workers(2);
    auto registry = Registry::create(options_, *store_, workers);
    loop = context.get_executor();
    loop_known->set_value();
    bool ended = false;
    auto busy = std::optional(asio::make_work_guard(context));
    asio::co_spawn(
        context, pull_one(*registry, server.address() + "/app", {}),
        asio::bind_cancellation_slot(cancel.slot(), [&](const std::exception_ptr& thrown, Result<Pulled> pulled) {
            ended = thrown != nullptr || pulled.error().kind() == Kind::cancelled;
            busy.reset();
        }));
    context.run();
    EXPECT_TRUE(ended);
    registry.reset();
    workers.join();
    const auto left = sys::list_dir(root() + "/ingest").value();
    for (const auto& name : left) EXPECT_TRUE(name.ends_with(".part")) << name;
}

}  // namespace
}  // namespace diatom::image
