// The files of a store, and what an index says of one: which blocks of it may have what somebody asks for.
//
//   DIRECTORY/00000000000000000001.log    a segment: the records from that number on, of one boot
//   DIRECTORY/00000000000000000001.idx    its index; advice that may be missing, older than the segment, or damaged
//   DIRECTORY/lock                        held by who writes
//
// Thread side: any; values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "journal/record.h"

namespace diatom::journal {

inline constexpr std::size_t kBlockBytes = 64U << 10U;

std::string segment_path(const std::string& directory, std::uint64_t first_number);
std::string index_path(const std::string& directory, std::uint64_t first_number);
// First numbers of the segments that are there, in order. A directory that is not there has none.
std::vector<std::uint64_t> list_segments(const std::string& directory);

struct Block {
    std::uint64_t offset = 0, first_number = 0;
    std::int64_t first_time = INT64_MAX, last_time = INT64_MIN;  // the least and the greatest: clocks are set
    std::uint8_t priorities = 0;                                 // bit N: priority N
    std::uint64_t units = 0;                                     // bit N: units[N]; the last bit: one that has no bit
};

class SegmentIndex {
public:
    // Tells of the record of a frame at `offset` that ends at `end`. True when a block has become full.
    bool add(const Record& record, std::uint64_t offset, std::uint64_t end);

    std::string encode() const;
    static std::optional<SegmentIndex> decode(std::string_view bytes);

    // Whether the block may have what is wanted.
    bool may_have(const Block& block, const Query& query) const;

    BootId boot;
    std::uint64_t first_number = 0, next_number = 0;  // of the segment; behind its last record
    std::uint64_t covered = 0;                        // bytes of the segment that the blocks tell of
    std::vector<std::string> units;
    std::vector<Block> blocks;

private:
    std::uint64_t bit_of(std::string_view unit) const noexcept;
};

}  // namespace diatom::journal
