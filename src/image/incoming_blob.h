// A blob on its way in: its bytes come in ranges, in any order, and are read from the first one on while they come.
//
//   ROOT/ingest/ALGORITHM-HEX.part   the bytes in their places; behind them, from the next multiple of 4096 on, a
//                                    journal: {begin, end}, 64 bits each, little endian, of each range that is there
//
// A range enters the journal after its bytes are written, so that the journal is true when the engine was killed. A
// power cut may leave ranges in it whose bytes the disk never got: the digest finds out (inherited()).
// Whoever has the blob open holds a lock (flock(2)) on the file. Destroyed without commit() or discard(), the file
// stays, for the next who opens it goes on from there. Thread side: any; locked.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/fd.h"
#include "image/byte_source.h"
#include "image/manifest.h"
#include "image/range_set.h"

namespace diatom::image {

class IncomingBlob {
public:
    // Kind::conflict while somebody else has it open. `target`: where commit() puts it.
    static Result<std::shared_ptr<IncomingBlob>> open(Descriptor descriptor, std::string partial, std::string target);
    IncomingBlob(Descriptor descriptor, std::string partial, std::string target, Fd file);
    IncomingBlob(const IncomingBlob&) = delete;
    IncomingBlob& operator=(const IncomingBlob&) = delete;
    ~IncomingBlob();

    const Descriptor& descriptor() const noexcept { return descriptor_; }
    RangeSet present() const;
    std::uint64_t size_present() const;                              // bytes
    std::uint64_t inherited() const noexcept { return inherited_; }  // bytes that were there when it was opened

    // Fails with what stop() said, after it; Kind::corrupt beyond the blob's size. A full disk removes the file.
    Result<void> write(std::uint64_t offset, std::string_view bytes);
    // Nothing more comes: who waits for missing bytes gets `why`. The first word counts; true when this was it.
    bool stop(Error why);

    // From the first byte on; waits for what is missing. Interrupting one reader leaves the others alone.
    static std::unique_ptr<ByteSource> reader(std::shared_ptr<IncomingBlob> blob);
    // Reads all of it, waiting. Kind::corrupt when it is not what the descriptor says.
    static Result<void> verify(const std::shared_ptr<IncomingBlob>& blob);
    // Verifies, fsyncs, makes visible. What is corrupt goes.
    static Result<void> commit(const std::shared_ptr<IncomingBlob>& blob);
    Result<void> check(const Digest& found) const;  // the digest of all its bytes
    Result<void> discard();
    // discard() for whom something else matters more: that it fails is logged.
    void give_up();

    class Reader;

private:
    Result<void> resume();
    Result<void> enter(ByteRange range);  // locked
    std::uint64_t journal() const noexcept { return (descriptor_.size + 4095) / 4096 * 4096; }

    const Descriptor descriptor_;
    const std::string partial_, target_;
    const Fd file_;
    std::uint64_t inherited_ = 0;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    RangeSet present_;
    std::uint64_t entries_ = 0;  // of the journal
    std::optional<Error> stopped_;
    bool gone_ = false;  // committed or discarded
};

// Opens and locks a partial download; `flags` may create it. Kind::conflict while somebody has it.
Result<Fd> open_partial(const std::string& path, int flags);

}  // namespace diatom::image
