// Reads a store while somebody writes it, or nobody does. What is removed meanwhile is passed over.
// Thread side: one thread at a time.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "journal/record.h"
#include "journal/segment.h"
#include "journal/segment_reader.h"

namespace diatom::journal {

struct BootSpan {
    BootId boot;
    std::uint64_t first_number = 0, next_number = 0;
    std::int64_t first_time = INT64_MAX, last_time = INT64_MIN;  // wall ns
};

class StoreReader {
public:
    StoreReader(std::string directory, Query query) : directory_(std::move(directory)), query_(std::move(query)) {}

    // The next record that is wanted; nothing at the end of what there is by now.
    std::optional<Record> next();
    // Goes on with this number, or the first behind it.
    void seek(std::uint64_t number);
    // The number of the first of the last `count` that are wanted; 1 when there are not so many.
    std::uint64_t number_of_last(std::uint64_t count);
    // How far each source is in the store, as far as this has read it. Whole only when it has read the newest segment
    // to its end.
    const Positions& positions() const noexcept { return positions_; }
    std::uint64_t damaged() const noexcept { return damaged_; }  // bytes that could not be read

private:
    bool open_next();
    void open(std::uint64_t first_number);
    void skip_blocks();
    Record complete(RecordFrame frame);
    void note(SourceFrame frame);

    std::string directory_;
    Query query_;
    std::uint64_t from_ = 0;  // records before it are not wanted
    std::optional<SegmentReader> segment_;
    std::uint64_t segment_number_ = 0, damaged_ = 0;
    SegmentIndex index_;  // of the segment; empty without one
    std::size_t block_ = 0;
    bool newest_ = false;
    std::map<std::uint64_t, SourceFrame> sources_;
    Positions positions_;
};

// The index of a segment, made by reading where it has none that is whole. corrupt: it is no segment.
Result<SegmentIndex> index_of(const std::string& directory, std::uint64_t first_number);

std::vector<BootSpan> list_boots(const std::string& directory);     // the oldest first
std::vector<std::string> list_units(const std::string& directory);  // sorted

}  // namespace diatom::journal
