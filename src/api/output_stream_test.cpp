#include "api/output_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <functional>

namespace diatom::api {
namespace {

using engine::Output;
using engine::Outputs;
using testing::ElementsAre;
using Stream = Output::Stream;

class WrittenTransport final : public Transport {
public:
    explicit WrittenTransport(std::vector<std::string>& writes) : writes_(writes) {}
    Task<std::size_t> read_some(std::span<char>) override { co_return std::size_t{0}; }
    Task<void> write(std::string_view bytes) override {
        writes_.emplace_back(bytes);
        co_return Result<void>{};
    }
    void shutdown() noexcept override {}

private:
    std::vector<std::string>& writes_;
};

// What is there at each time that it is asked for.
class Script final : public engine::LogReader, public engine::Attachment {
public:
    explicit Script(std::vector<Outputs> times) : times_(std::move(times)) {}
    Task<Outputs> next() override { co_return at_ < times_.size() ? times_[at_++] : Outputs(); }
    Task<Outputs> read() override { return next(); }
    bool tty() const override { return false; }
    Task<void> write(std::string) override { co_return Result<void>{}; }
    Task<void> close_stdin() override { co_return Result<void>{}; }

private:
    std::vector<Outputs> times_;
    std::size_t at_ = 0;
};

std::vector<std::string> sent(const std::function<Task<void>(Connection&)>& send) {
    std::vector<std::string> writes;
    Connection connection(std::make_unique<WrittenTransport>(writes));
    boost::asio::io_context loop;
    bool succeeded = false;
    boost::asio::co_spawn(loop, send(connection), [&](const std::exception_ptr& thrown, const Result<void>& result) {
        succeeded = !thrown && result.has_value();
    });
    loop.run();
    EXPECT_TRUE(succeeded);
    return writes;
}

TEST(OutputStream, SendsTheLinesThatAreThereInOneChunk) {
    Script script({{{Stream::out, 0, "one\n"}, {Stream::out, 0, "two\n"}}, {{Stream::out, 0, "alone\n"}}});
    const auto writes = sent([&](Connection& to) { return send_log(to, script, Framing::raw, false); });
    EXPECT_THAT(writes, ElementsAre("8\r\none\ntwo\n\r\n", "6\r\nalone\n\r\n"));
}

TEST(OutputStream, FramesEachLineWithItsTimeInside) {
    Script script({{{Stream::out, 1'000'000'000, "a\n"}, {Stream::err, 2'000'000'000, "b\n"}}});
    const auto writes = sent([&](Connection& to) { return send_log(to, script, Framing::framed, true); });
    std::string expected;
    append_output(expected, {Stream::out, 0, "1970-01-01T00:00:01.000000000Z a\n"}, Framing::framed);
    append_output(expected, {Stream::err, 0, "1970-01-01T00:00:02.000000000Z b\n"}, Framing::framed);
    EXPECT_THAT(writes, ElementsAre("52\r\n" + expected + "\r\n"));
    EXPECT_TRUE(
        expected.starts_with(std::string("\1\0\0\0\0\0\0\x21"
                                         "1970",
                                         12)));
}

TEST(OutputStream, SendsWhatIsAttachedToTheSameWay) {
    Script script({{{Stream::out, 0, "a"}, {Stream::err, 0, "b"}}, {{Stream::out, 0, "c"}}});
    const auto writes = sent([&](Connection& to) { return send_output(to, script, Framing::framed); });
    EXPECT_THAT(writes, ElementsAre(std::string("\1\0\0\0\0\0\0\1a\2\0\0\0\0\0\0\1b", 18),
                                    std::string("\1\0\0\0\0\0\0\1c", 9)));
}

}  // namespace
}  // namespace diatom::api
