#include "configure/password.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace diatom::configure {
namespace {

using ::testing::StartsWith;

// The specification's own vectors, as far as they have its 5000 rounds.
TEST(Password, IsHashedAsCryptDoes) {
    EXPECT_EQ(sha512_crypt("Hello world!", "saltstring"),
              "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1");
    EXPECT_EQ(
        sha512_crypt("This is just a test", "toolongsaltstring"),
        "$6$toolongsaltstrin$lQ8jolhgVRVhY4b5pZKaysCLi0QBxGoNeKQzQ3glMhwllF7oGDZxUhx1yxdYcz/e1JSbq3y6JMxxl8audkUEm0");
}

TEST(Password, HasASaltOfItsOwn) {
    const auto one = hash_password("secret"), other = hash_password("secret");
    ASSERT_TRUE(one && other);
    EXPECT_THAT(*one, StartsWith("$6$"));
    EXPECT_NE(*one, *other);
    EXPECT_EQ(sha512_crypt("secret", one->substr(3, 16)), *one);
    EXPECT_FALSE(hash_password(""));
    EXPECT_FALSE(hash_password(std::string(512, 'x')));
    EXPECT_FALSE(hash_password(std::string_view("a\0b", 3)));
}

TEST(Password, KnowsItsKinds) {
    for (const auto* known : {"", "!", "*", "ab01FAX.bQRSU", "$1$a$b", "$2b$10$x", "$5$a$b", "$6$a$b"})
        EXPECT_TRUE(is_known_hash(known)) << known;
    for (const auto* unknown : {"$y$j9T$a$b", "$7$a", "$gy$a"}) EXPECT_FALSE(is_known_hash(unknown)) << unknown;
}

}  // namespace
}  // namespace diatom::configure
