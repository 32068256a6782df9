#include "image/byte_source.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace diatom::image {
namespace {

class FileSource final : public ByteSource {
public:
    FileSource(FdRef file, std::uint64_t* consumed) : file_(file), consumed_(consumed) {}

    Result<std::size_t> read(std::span<std::uint8_t> buffer) override {
        for (;;) {
            const ssize_t got = ::read(file_.raw(), buffer.data(), buffer.size());
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return fail_errno(errno, "read");
            if (consumed_ != nullptr) *consumed_ += static_cast<std::uint64_t>(got);
            return static_cast<std::size_t>(got);
        }
    }

private:
    FdRef file_;
    std::uint64_t* consumed_;
};

class MemorySource final : public ByteSource {
public:
    explicit MemorySource(std::string_view bytes) : bytes_(bytes) {}

    Result<std::size_t> read(std::span<std::uint8_t> buffer) override {
        const auto size = std::min(buffer.size(), bytes_.size());
        if (size > 0) std::memcpy(buffer.data(), bytes_.data(), size);
        bytes_.remove_prefix(size);
        return size;
    }

private:
    std::string_view bytes_;
};

}  // namespace

std::unique_ptr<ByteSource> file_source(FdRef file, std::uint64_t* consumed) {
    return std::make_unique<FileSource>(file, consumed);
}

std::unique_ptr<ByteSource> memory_source(std::string_view bytes) { return std::make_unique<MemorySource>(bytes); }

}  // namespace diatom::image
