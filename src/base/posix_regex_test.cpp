#include "base/posix_regex.h"

#include <gtest/gtest.h>

namespace diatom {
namespace {

TEST(PosixRegex, SearchesAndSaysWhatIsWrong) {
    const auto web = PosixRegex::compile("^web|db$");
    ASSERT_TRUE(web);
    EXPECT_TRUE(web->matches("web-1") && web->matches("my-db"));
    EXPECT_FALSE(web->matches("my-web"));
    const auto wrong = PosixRegex::compile("a(");
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().kind(), Kind::invalid);
    EXPECT_TRUE(wrong.error().what().contains("Unmatched (")) << wrong.error().what();
}

}  // namespace
}  // namespace diatom
