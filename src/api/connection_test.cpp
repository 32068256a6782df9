#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <deque>
#include <exception>

#include "api/http.h"

namespace diatom::api {
namespace {

// A client whose bytes are all there already.
class ScriptedTransport final : public Transport {
public:
    explicit ScriptedTransport(std::deque<std::string>& script) : script_(script) {}
    Task<std::size_t> read_some(std::span<char> buffer) override {
        if (script_.empty()) co_return std::size_t{0};
        const auto size = script_.front().copy(buffer.data(), buffer.size());
        script_.front().erase(0, size);
        if (script_.front().empty()) script_.pop_front();
        co_return size;
    }
    Task<void> write(std::string_view) override { co_return Result<void>{}; }
    void shutdown() noexcept override {}

private:
    std::deque<std::string>& script_;
};

// Answers the first request with an error, its body unread where it streams, and lingers.
Task<void> answer_early(std::deque<std::string>& script) {
    Connection connection(std::make_unique<ScriptedTransport>(script));
    auto request = co_await connection.read_request();
    EXPECT_TRUE(CO_TRY(std::move(request)));
    auto replied = co_await connection.reply_error(Error(Kind::exhausted, "no space left"));
    CO_TRY(std::move(replied));
    co_await connection.linger();
    co_return Result<void>{};
}

void run(std::deque<std::string>& script) {
    boost::asio::io_context loop;
    bool succeeded = false;
    boost::asio::co_spawn(loop, answer_early(script),
                          [&](const std::exception_ptr& thrown, const Result<void>& result) {
                              succeeded = !thrown && result.has_value();
                          });
    loop.run();
    EXPECT_TRUE(succeeded);
}

TEST(Connection, TakesTheRestOfABodyThatWasAnsweredEarly) {
    std::deque<std::string> script{"POST /v1.43/images/load HTTP/1.1\r\nContent-Length: 300\r\n\r\n"};
    for (int i = 0; i < 3; ++i) script.emplace_back(100, 'x');
    run(script);
    EXPECT_TRUE(script.empty());
}

TEST(Connection, DoesNotWaitAfterARequestThatWasRead) {
    std::deque<std::string> script{"GET /v1.43/info HTTP/1.1\r\n\r\n", "next"};
    run(script);
    EXPECT_EQ(script.size(), 1U);
}

}  // namespace
}  // namespace diatom::api
