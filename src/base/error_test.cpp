#include "base/error.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "tests/support/fd_leak.h"

namespace diatom {
namespace {

constexpr unsigned kLineOfFailure = __LINE__ + 2;
Result<int> half(int number) {
    if (number % 2 != 0) return fail(Kind::invalid, "{} is odd", number);
    return number / 2;
}

Result<int> quarter(int number) {
    const int once = TRY(half(number), "halve {}", number);
    return TRY(half(once));
}

Result<void> check(int number) {
    TRY(quarter(number), "check");
    return {};
}

TEST(Error, TryGivesTheValue) {
    EXPECT_EQ(quarter(12).value(), 3);
    EXPECT_TRUE(check(8));
}

TEST(Error, TryPutsContextBeforeTheCause) {
    EXPECT_EQ(quarter(3).error().what(), "halve 3: 3 is odd");
    EXPECT_EQ(quarter(6).error().what(), "3 is odd");
    EXPECT_EQ(check(3).error().what(), "check: halve 3: 3 is odd");
    EXPECT_EQ(check(3).error().kind(), Kind::invalid);
}

TEST(Error, WhereIsTheLineThatFailed) {
    const auto failed = half(1);
    EXPECT_STREQ(failed.error().where().function_name(), quarter(6).error().where().function_name());
    EXPECT_EQ(failed.error().where().line(), kLineOfFailure);
}

TEST(Error, ErrnoGivesKindAndText) {
    const Result<void> failed = fail_errno(ENOSPC, "write {}", "blob");
    EXPECT_EQ(failed.error().what(), "write blob: No space left on device");
    EXPECT_EQ(failed.error().kind(), Kind::exhausted);
    EXPECT_EQ(failed.error().error_number(), ENOSPC);
}

TEST(Error, KindsOfErrno) {
    EXPECT_EQ(kind_of_errno(ENOENT), Kind::not_found);
    EXPECT_EQ(kind_of_errno(EEXIST), Kind::conflict);
    EXPECT_EQ(kind_of_errno(EPERM), Kind::denied);
    EXPECT_EQ(kind_of_errno(ECONNREFUSED), Kind::unavailable);
    EXPECT_EQ(kind_of_errno(ENOSYS), Kind::unsupported);
    EXPECT_EQ(kind_of_errno(ETIMEDOUT), Kind::timed_out);
    EXPECT_EQ(kind_of_errno(EINVAL), Kind::invalid);
    EXPECT_EQ(kind_of_errno(EIO), Kind::io);
    EXPECT_EQ(kind_of_errno(0), Kind::io);
}

TEST(Error, ContextKeepsKindErrnoAndPlace) {
    const Error inner(Kind::denied, "no", EACCES);
    const auto line = inner.where().line();
    const Error outer = Error(inner).in("open door");
    EXPECT_EQ(outer.what(), "open door: no");
    EXPECT_EQ(outer.kind(), Kind::denied);
    EXPECT_EQ(outer.error_number(), EACCES);
    EXPECT_EQ(outer.where().line(), line);
}

TEST(Error, EveryKindHasAName) {
    for (int kind = 0; kind <= static_cast<int>(Kind::bug); ++kind) {
        EXPECT_NE(to_string(static_cast<Kind>(kind)), "unknown") << kind;
    }
}

TEST(Error, ForwardChangesTheType) {
    const Result<std::string> forwarded = forward_error(half(1));
    EXPECT_EQ(forwarded.error().what(), "1 is odd");
}

}  // namespace
}  // namespace diatom
