#include "image/token_cache.h"

#include <gtest/gtest.h>

namespace diatom::image {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

TEST(TokenCache, KeepsATokenUntilShortlyBeforeItExpires) {
    std::int64_t now = 0;
    TokenCache cache([&] { return now; });
    const TokenCache::Key key{"https://auth/token", "registry", "repository:app:pull", ""};
    cache.put(key, "t", 60);
    EXPECT_EQ(cache.find(key), "t");
    now = 54 * kSecond;
    EXPECT_EQ(cache.find(key), "t");
    now = 55 * kSecond;
    EXPECT_EQ(cache.find(key), "");
    cache.put(key, "short", 5);
    EXPECT_EQ(cache.find(key), "");
}

TEST(TokenCache, TellsKeysApart) {
    TokenCache cache([] { return std::int64_t{0}; });
    cache.put({"realm", "service", "scope", "me"}, "mine", 60);
    EXPECT_EQ(cache.find({"realm", "service", "scope", "me"}), "mine");
    EXPECT_EQ(cache.find({"other", "service", "scope", "me"}), "");
    EXPECT_EQ(cache.find({"realm", "other", "scope", "me"}), "");
    EXPECT_EQ(cache.find({"realm", "service", "other", "me"}), "");
    EXPECT_EQ(cache.find({"realm", "service", "scope", "you"}), "");
}

TEST(TokenCache, ForgetsWhatWasRefusedAndNotItsSuccessor) {
    TokenCache cache([] { return std::int64_t{0}; });
    const TokenCache::Key key{"realm", "service", "scope", ""};
    cache.put(key, "old", 60);
    cache.put(key, "new", 60);
    cache.forget(key, "old");
    EXPECT_EQ(cache.find(key), "new");
    cache.forget(key, "new");
    EXPECT_EQ(cache.find(key), "");
}

TEST(TokenCache, StaysSmall) {
    TokenCache cache([] { return std::int64_t{0}; });
    for (int i = 0; i < 1000; ++i) cache.put({"realm", "service", std::to_string(i), ""}, "t", 60);
    EXPECT_EQ(cache.find({"realm", "service", "0", ""}), "");
    EXPECT_EQ(cache.find({"realm", "service", "999", ""}), "t");
}

}  // namespace
}  // namespace diatom::image
