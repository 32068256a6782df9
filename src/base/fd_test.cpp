#include "base/fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <type_traits>
#include <utility>

namespace diatom {
namespace {

Fd null() { return Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

bool is_open(int number) { return ::fcntl(number, F_GETFD) >= 0; }

static_assert(!std::is_convertible_v<Fd, int> && !std::is_convertible_v<FdRef, int>);
static_assert(!std::is_copy_constructible_v<Fd> && std::is_nothrow_move_constructible_v<Fd>);

TEST(Fd, ClosesOnceAtTheEnd) {
    int number = -1;
    {
        const Fd fd = null();
        number = fd.raw();
        EXPECT_TRUE(is_open(number));
    }
    EXPECT_FALSE(is_open(number));
}

TEST(Fd, MoveLeavesNothing) {
    Fd first = null();
    const int number = first.raw();
    Fd second = std::move(first);
    EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): that is the point
    EXPECT_EQ(second.raw(), number);
    second = null();
    EXPECT_TRUE(second);
    Fd& same = second;
    second = std::move(same);
    EXPECT_TRUE(second);
}

TEST(Fd, AssignmentClosesTheOld) {
    Fd fd = null();
    const int number = fd.raw();
    fd = Fd();
    EXPECT_FALSE(is_open(number));
}

TEST(Fd, ReleaseGivesItAway) {
    Fd fd = null();
    const int number = fd.release();
    fd.reset();
    EXPECT_TRUE(is_open(number));
    const Fd back(number);
}

TEST(Fd, RefBorrows) {
    const Fd fd = null();
    const FdRef ref = fd;
    EXPECT_EQ(ref, FdRef(fd.raw()));
    EXPECT_FALSE(FdRef());
}

}  // namespace
}  // namespace diatom
