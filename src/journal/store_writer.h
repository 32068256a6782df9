// The one who writes a store. Records are appended; what is old is removed a segment at a time, so that neither size
// nor age exceed their limits by more than a part. After a power cut the newest segment ends with its last whole frame.
// Thread side: one thread.
#pragma once

#include <memory>
#include <set>
#include <span>
#include <string>

#include "base/error.h"
#include "base/fd.h"
#include "journal/record.h"
#include "journal/segment.h"
#include "journal/segment_reader.h"

namespace diatom::journal {

struct Limits {
    std::uint64_t max_bytes = 64U << 20U;
    std::int64_t max_age_ns = 0;  // 0: none
    std::size_t max_segments = 1024;
    std::uint64_t segment_bytes() const noexcept;
    std::int64_t segment_age_ns() const noexcept;
};

class StoreWriter {
public:
    // conflict: another process writes there.
    static Result<std::unique_ptr<StoreWriter>> open(const std::string& directory, const BootId& boot, Limits limits);
    StoreWriter(const StoreWriter&) = delete;
    StoreWriter& operator=(const StoreWriter&) = delete;
    ~StoreWriter();

    // Gives them their numbers. exhausted: the disk is full although everything but the newest segment was removed;
    // nothing of them is kept then, and the positions stay where they were.
    Result<void> append(std::span<Record> records);
    // What was appended is on the disk.
    Result<void> sync();
    bool unsynced() const noexcept { return unsynced_; }

    // How far each source is in the store.
    const Positions& positions() const noexcept { return at_.positions; }
    // Sources that will not come again.
    void keep_sources(const std::set<std::string, std::less<>>& names);

    void set_limits(Limits limits) { limits_ = limits; }
    // Removes what is beyond the limits; begins a new segment where the present one is too old.
    Result<void> enforce(std::int64_t now);
    std::uint64_t removed() const noexcept { return removed_; }  // segments, since it was opened

private:
    StoreWriter(std::string directory, const BootId& boot, Limits limits, Fd lock)
        : directory_(std::move(directory)), boot_(boot), limits_(limits), lock_(std::move(lock)) {}
    // All that a failed append takes back.
    struct Progress {
        SegmentIndex index;
        std::uint64_t size = 0, next_number = 1, last_source = 0;
        std::map<std::string, std::pair<std::uint64_t, std::uint64_t>, std::less<>> ids;  // source: id, identity
        Positions positions;
    };
    Result<void> take_up();
    Result<void> read_frames(SegmentReader& reader);
    Result<void> begin_segment(std::int64_t now);
    Result<void> end_segment();
    void save_index();
    bool encode(Record& record, std::string& bytes);
    Result<void> write(std::string_view bytes);
    Result<bool> remove_oldest();
    std::uint64_t total_bytes() const;

    std::string directory_;
    BootId boot_;
    Limits limits_;
    Fd lock_, file_;
    Progress at_;
    std::int64_t begun_ = 0;  // wall ns
    std::uint64_t removed_ = 0;
    bool unsynced_ = false, new_name_ = false;
};

}  // namespace diatom::journal
