// Tar archives as they are written: POSIX.1-2017 pax (ustar, with an extended header only where ustar has no room), as
// a stream, never whole in memory. Times are whole seconds, users have no names: equal trees give equal bytes.
// Source: POSIX.1-2017 pax; xattrs as SCHILY.xattr.*. Thread side: one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "image/tar.h"

namespace diatom::image {

class TarWriter {
public:
    explicit TarWriter(ByteSink& sink) : sink_(sink) {}

    // A file's header is followed by entry.size bytes of data(), in any pieces; end_file() pads and checks. Unlike the
    // reader's, the path is written as it stands ("./a", "/a"); a directory's gets its final slash here.
    Result<void> begin(const TarEntry& entry);
    Result<void> data(std::string_view bytes);
    Result<void> end_file();
    // Begin, data and end of a small file.
    Result<void> file(const std::string& path, std::string_view bytes, std::int64_t mtime_s = 0);
    Result<void> directory(const std::string& path, std::int64_t mtime_s = 0);
    // The two blocks of zeros that end an archive.
    Result<void> finish();

private:
    ByteSink& sink_;
    std::uint64_t promised_ = 0, written_ = 0;
};

// An archive that is made as it is read: a reader that pauses holds neither memory nor a thread.
class TarSource : public ByteSource {
public:
    Result<std::size_t> read(std::span<std::uint8_t> buffer) final;

protected:
    static constexpr std::size_t kPiece = 256U << 10U;  // bytes of a file that one step copies at most
    // Writes what comes next, kPiece or so; false when there was nothing more.
    virtual Result<bool> step(TarWriter& tar) = 0;

private:
    class Buffer final : public ByteSink {
    public:
        Result<void> write(std::string_view bytes) override {
            text.append(bytes);
            return {};
        }
        std::string text;
    };
    Buffer buffer_;
    std::size_t taken_ = 0;  // bytes of the buffer
    TarWriter tar_{buffer_};
    bool ended_ = false;
};

}  // namespace diatom::image
