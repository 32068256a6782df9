// Streams of bytes that are pulled: files, memory, and what decompresses another stream.
// Thread side: one thread at a time per source.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/error.h"
#include "base/fd.h"

namespace diatom::image {

class ByteSource {
public:
    virtual ~ByteSource() = default;
    // Up to buffer.size() bytes; 0 only at the end.
    virtual Result<std::size_t> read(std::span<std::uint8_t> buffer) = 0;
    // Makes a read fail that waits for bytes which may never come, and those after it. From any thread; what decorates
    // another source passes it on.
    virtual void interrupt() {}
};

class ByteSink {
public:
    virtual ~ByteSink() = default;
    virtual Result<void> write(std::string_view bytes) = 0;
};

// A stream whose length is known.
struct SizedSource {
    std::uint64_t size = 0;  // bytes
    std::unique_ptr<ByteSource> source;
};

// From the descriptor's offset to its end. `consumed` counts the bytes, where given, and outlives the source.
std::unique_ptr<ByteSource> file_source(FdRef file, std::atomic<std::uint64_t>* consumed = nullptr);
std::unique_ptr<ByteSource> memory_source(std::string_view bytes);  // which outlive the source

// gzip (RFC 1952, any number of members), zstd (RFC 8878, windows up to 128 MiB) or the bytes as they are, told apart
// by their first bytes: media types of real images lie. Damage and truncation are Kind::corrupt.
Result<std::unique_ptr<ByteSource>> decompress(std::unique_ptr<ByteSource> compressed);

// The gzip (RFC 1952) of a stream; equal bytes give equal bytes.
std::unique_ptr<ByteSource> compress_gzip(std::unique_ptr<ByteSource> plain);

// How far an archive may inflate: any may to `allowance`, and beyond that to `ratio` times what was read of it.
// Real layers inflate two to ten times, text and logs twenty; only what is nothing but zeros comes near deflate's 1032
// or zstd's tens of thousands, and a file of zeros in a layer is seldom larger than the allowance. That the disk is not
// filled is the matter of extract.h, however far an archive inflates.
struct InflateLimit {
    std::uint64_t allowance = 1U << 30U;  // bytes
    std::uint64_t ratio = 100;
};
// Fails (Kind::invalid) when more comes out than the limit grants for the `compressed` bytes that were read so far.
// `compressed` outlives the source.
std::unique_ptr<ByteSource> limit_inflation(std::unique_ptr<ByteSource> inflated,
                                            const std::atomic<std::uint64_t>& compressed, InflateLimit limit);

// Reads `source` ahead on a thread of its own, by a few buffers. `examine` sees every piece on that thread, in order.
// Destroyed before the end, it interrupts the source.
class ByteExaminer {
public:
    virtual ~ByteExaminer() = default;
    virtual Result<void> examine(std::span<const std::uint8_t> bytes) = 0;
};
std::unique_ptr<ByteSource> read_ahead(std::unique_ptr<ByteSource> source, ByteExaminer& examine);

}  // namespace diatom::image
