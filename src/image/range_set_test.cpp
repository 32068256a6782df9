#include "image/range_set.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace diatom::image {
namespace {

TEST(RangeSet, MergesWhatTouches) {
    RangeSet set;
    EXPECT_EQ(set.first_gap(10), (ByteRange{0, 10}));
    set.add({4, 6});
    set.add({8, 10});
    EXPECT_EQ(set.first_gap(20), (ByteRange{0, 4}));
    EXPECT_EQ(set.run_from(5), 6U);
    EXPECT_EQ(set.run_from(6), 6U);
    set.add({6, 8});
    EXPECT_EQ(set.ranges().size(), 1U);
    set.add({0, 4});
    EXPECT_EQ(set.first_gap(20), (ByteRange{10, 20}));
    EXPECT_EQ(set.first_gap(10), std::nullopt);
    set.remove({2, 3});
    EXPECT_EQ(set.first_gap(10), (ByteRange{2, 3}));
    EXPECT_EQ(set.total(), 9U);
}

// Against a list of bits.
TEST(RangeSet, IsWhatAListOfBitsIs) {
    constexpr std::size_t kSize = 64;
    std::mt19937 random(7);
    RangeSet set;
    std::vector<bool> bits(kSize);
    for (int step = 0; step < 5000; ++step) {
        const std::size_t begin = random() % kSize;
        const std::size_t end = begin + random() % (kSize - begin + 1);
        const bool adds = random() % 2 == 0;
        if (adds) set.add({begin, end});
        else set.remove({begin, end});
        for (auto i = begin; i < end; ++i) bits[i] = adds;
        EXPECT_EQ(set.total(), static_cast<std::uint64_t>(std::count(bits.begin(), bits.end(), true)));
        const auto at = random() % kSize;
        const auto run = std::find(bits.begin() + static_cast<std::ptrdiff_t>(at), bits.end(), false);
        EXPECT_EQ(set.run_from(at), static_cast<std::uint64_t>(run - bits.begin()));
        const auto gap = std::find(bits.begin(), bits.end(), false);
        const auto gap_end = std::find(gap, bits.end(), true);
        if (gap == bits.end()) EXPECT_EQ(set.first_gap(kSize), std::nullopt);
        else
            EXPECT_EQ(set.first_gap(kSize), (ByteRange{static_cast<std::uint64_t>(gap - bits.begin()),
                                                       static_cast<std::uint64_t>(gap_end - bits.begin())}));
    }
}

}  // namespace
}  // namespace diatom::image
