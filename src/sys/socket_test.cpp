#include "sys/socket.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "sys/file.h"
#include "tests/support/isolate.h"
#include "tests/support/temp_dir.h"

namespace diatom::sys {
namespace {

using test::TempDir;
using testing::HasSubstr;

class EverySocket : public testing::TestWithParam<SocketType> {};
INSTANTIATE_TEST_SUITE_P(Types, EverySocket,
                         testing::Values(SocketType::stream, SocketType::datagram, SocketType::packet));

TEST_P(EverySocket, DescriptorsMakeTheRoundTrip) {
    auto [a, b] = socket_pair(GetParam()).value();
    auto [reader, writer] = make_pipe().value();
    ASSERT_TRUE(send_message(a, "hello", {writer, reader}));
    writer.reset();
    auto message = receive_message(b).value();
    EXPECT_EQ(message.bytes, "hello");
    ASSERT_EQ(message.fds.size(), 2U);
    EXPECT_EQ(::fcntl(message.fds[0].raw(), F_GETFD), FD_CLOEXEC);
    ASSERT_TRUE(write_all(message.fds[0], "through"));
    message.fds.clear();
    EXPECT_EQ(read_all(reader).value(), "through");
}

TEST_P(EverySocket, LongestMessageFits) {
    auto [a, b] = socket_pair(GetParam()).value();
    const std::string longest(kMaxMessage, 'x');
    std::thread sender([&, &from = a] { EXPECT_TRUE(send_message(from, longest)); });
    std::string received;
    while (received.size() < longest.size()) received += receive_message(b).value().bytes;
    sender.join();
    EXPECT_EQ(received, longest);
}

TEST_P(EverySocket, LongerMessageIsRefusedBySender) {
    auto [a, b] = socket_pair(GetParam()).value();
    const auto refused = send_message(a, std::string(kMaxMessage + 1, 'x'));
    EXPECT_EQ(refused.error().kind(), Kind::invalid);
    ASSERT_TRUE(set_nonblocking(b));
    EXPECT_EQ(receive_message(b).error().kind(), Kind::unavailable) << "nothing of it was sent";
}

TEST(Socket, LongerMessageIsRefusedByReceiver) {
    auto [a, b] = socket_pair(SocketType::packet).value();
    const std::string longer(kMaxMessage + 1, 'x');
    ASSERT_EQ(::send(a.raw(), longer.data(), longer.size(), 0), static_cast<ssize_t>(longer.size()));
    EXPECT_EQ(receive_message(b).error().kind(), Kind::invalid);
    ASSERT_TRUE(send_message(a, "next"));
    EXPECT_EQ(receive_message(b)->bytes, "next");
}

TEST(Socket, PacketsKeepTheirBounds) {
    auto [a, b] = socket_pair(SocketType::packet).value();
    ASSERT_TRUE(send_message(a, "one"));
    ASSERT_TRUE(send_message(a, "two"));
    EXPECT_EQ(receive_message(b)->bytes, "one");
    EXPECT_EQ(receive_message(b)->bytes, "two");
}

TEST(Socket, MostDescriptorsAndOneMore) {
    auto [a, b] = socket_pair(SocketType::packet).value();
    ASSERT_TRUE(send_message(a, "x", std::vector<FdRef>(kMaxFds, a)));
    EXPECT_EQ(receive_message(b)->fds.size(), kMaxFds);
    EXPECT_EQ(send_message(a, "x", std::vector<FdRef>(kMaxFds + 1, a)).error().kind(), Kind::invalid);
}

TEST(Socket, DescriptorsThatDoNotFitAreAnErrorAndDoNotLeak) {
    const int status = test::in_child([] {
        auto [a, b] = socket_pair(SocketType::packet).value();
        const std::vector<FdRef> ten(10, a);
        EXPECT_TRUE(send_message(a, "x", ten));
        const auto before = count_open_fds().value();
        rlimit limit{};
        ::getrlimit(RLIMIT_NOFILE, &limit);
        const rlim_t whole = limit.rlim_cur;
        limit.rlim_cur = static_cast<rlim_t>(b.raw()) + 5;
        ::setrlimit(RLIMIT_NOFILE, &limit);
        EXPECT_EQ(receive_message(b).error().kind(), Kind::exhausted);
        limit.rlim_cur = whole;
        ::setrlimit(RLIMIT_NOFILE, &limit);
        EXPECT_EQ(count_open_fds().value(), before);
        return 0;
    });
    EXPECT_EQ(status, 0);
}

TEST(Socket, EmptyMessageIsTheEnd) {
    auto [a, b] = socket_pair(SocketType::packet).value();
    EXPECT_EQ(send_message(a, "").error().kind(), Kind::bug);
    a.reset();
    EXPECT_EQ(receive_message(b)->bytes, "");
    EXPECT_FALSE(send_message(b, "x")) << "an error, not SIGPIPE";
}

TEST(Socket, CredentialsOfTheSender) {
    auto [a, b] = socket_pair(SocketType::packet).value();
    const int on = 1;
    ASSERT_EQ(::setsockopt(b.raw(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
    ASSERT_TRUE(send_message(a, "x", {a}));
    const auto message = receive_message(b).value();
    EXPECT_EQ(message.sender_pid, ::getpid());
    EXPECT_EQ(message.sender_uid, static_cast<int>(::getuid()));
    EXPECT_EQ(message.fds.size(), 1U);
}

TEST(Socket, ReceiveTimesOut) {
    auto [a, b] = socket_pair(SocketType::packet).value();
    ASSERT_TRUE(set_receive_timeout(b, 20));
    EXPECT_EQ(receive_message(b).error().kind(), Kind::unavailable);
}

TEST(Listen, ConnectsWithTheModeAskedFor) {
    const TempDir temp;
    const auto listener = listen_unix(temp / "s", SocketType::packet, 0660).value();
    EXPECT_EQ(stat_path(temp / "s")->st_mode & 07777, 0660U);
    const auto client = connect_unix(temp / "s", SocketType::packet).value();
    const auto server = accept_unix(listener).value();
    ASSERT_TRUE(send_message(client, std::string(kMaxMessage, 'y')));
    EXPECT_EQ(receive_message(server)->bytes.size(), kMaxMessage);
}

TEST(Listen, StaleSocketIsReplacedAndLiveOneIsNot) {
    const TempDir temp;
    { const auto old = listen_unix(temp / "s", SocketType::stream, 0600).value(); }
    ASSERT_TRUE(exists(temp / "s"));
    const auto listener = listen_unix(temp / "s", SocketType::stream, 0600);
    ASSERT_TRUE(listener);
    const auto second = listen_unix(temp / "s", SocketType::stream, 0600);
    EXPECT_EQ(second.error().kind(), Kind::conflict);
    EXPECT_TRUE(connect_unix(temp / "s", SocketType::stream));
}

TEST(Listen, OtherFilesAreKept) {
    const TempDir temp;
    ASSERT_TRUE(write_file(temp / "s", "precious"));
    EXPECT_FALSE(listen_unix(temp / "s", SocketType::stream, 0600));
    EXPECT_EQ(read_file(temp / "s").value(), "precious");
}

TEST(Listen, LongPathsWork) {
    const TempDir temp;
    const std::string directory = temp / std::string(100, 'd') + "/" + std::string(100, 'e');
    ASSERT_TRUE(make_dirs(directory));
    const auto listener = listen_unix(directory + "/s", SocketType::stream, 0600);
    ASSERT_TRUE(listener) << listener.error().what();
    EXPECT_TRUE(connect_unix(directory + "/s", SocketType::stream));
    EXPECT_EQ(listen_unix(temp / std::string(200, 'n'), SocketType::stream, 0600).error().kind(), Kind::invalid);
}

TEST(Listen, NobodyThere) {
    const TempDir temp;
    EXPECT_EQ(connect_unix(temp / "s", SocketType::stream).error().kind(), Kind::not_found);
    { const auto old = listen_unix(temp / "s", SocketType::stream, 0600).value(); }
    const auto refused = connect_unix(temp / "s", SocketType::stream);
    EXPECT_EQ(refused.error().kind(), Kind::unavailable);
    EXPECT_THAT(refused.error().what(), HasSubstr(temp / "s"));
}

TEST(Listen, NonblockingAccept) {
    const TempDir temp;
    const auto listener = listen_unix(temp / "s", SocketType::stream, 0600).value();
    const auto client = connect_unix(temp / "s", SocketType::stream).value();
    const auto server = accept_unix(listener, true).value();
    EXPECT_EQ(receive_message(server).error().kind(), Kind::unavailable);
    ASSERT_TRUE(set_nonblocking(listener));
    EXPECT_EQ(accept_unix(listener).error().kind(), Kind::unavailable);
}

TEST(Terminal, SizeReachesTheOtherSide) {
    auto terminal = open_terminal();
    if (!terminal) GTEST_SKIP() << "no terminals here: " << terminal.error().what();
    const auto slave = open_path(terminal->name, O_RDWR | O_NOCTTY);
    if (!slave) GTEST_SKIP() << "the terminal belongs to another devpts: " << slave.error().what();
    ASSERT_TRUE(set_terminal_size(terminal->master, 24, 80));
    winsize size{};
    ASSERT_EQ(::ioctl(slave->raw(), TIOCGWINSZ, &size), 0);
    EXPECT_EQ(size.ws_row, 24);
    EXPECT_EQ(size.ws_col, 80);
}

}  // namespace
}  // namespace diatom::sys
