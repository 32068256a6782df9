#include "image/byte_source.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/strings.h"

namespace diatom::image {
namespace {

class FileSource final : public ByteSource {
public:
    FileSource(FdRef file, std::atomic<std::uint64_t>* consumed) : file_(file), consumed_(consumed) {}

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
    std::atomic<std::uint64_t>* consumed_;
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

class LimitedSource final : public ByteSource {
public:
    LimitedSource(std::unique_ptr<ByteSource> inflated, const std::atomic<std::uint64_t>& compressed,
                  InflateLimit limit)
        : inflated_(std::move(inflated)), compressed_(compressed), limit_(limit) {}

    Result<std::size_t> read(std::span<std::uint8_t> buffer) override {
        const auto size = TRY(inflated_->read(buffer));
        passed_ += size;
        if (passed_ <= limit_.allowance) return size;
        const auto read = compressed_.load();
        if (passed_ / limit_.ratio <= read) return size;
        return fail(Kind::invalid,
                    "the archive inflates to more than {}, which is beyond {} times the {} that were read of it: "
                    "refused as a decompression bomb",
                    format_bytes(limit_.allowance), limit_.ratio, format_bytes(read));
    }
    void interrupt() override { inflated_->interrupt(); }

private:
    std::unique_ptr<ByteSource> inflated_;
    const std::atomic<std::uint64_t>& compressed_;
    InflateLimit limit_;
    std::uint64_t passed_ = 0;
};

}  // namespace

std::unique_ptr<ByteSource> limit_inflation(std::unique_ptr<ByteSource> inflated,
                                            const std::atomic<std::uint64_t>& compressed, InflateLimit limit) {
    return std::make_unique<LimitedSource>(std::move(inflated), compressed, limit);
}

std::unique_ptr<ByteSource> file_source(FdRef file, std::atomic<std::uint64_t>* consumed) {
    return std::make_unique<FileSource>(file, consumed);
}

std::unique_ptr<ByteSource> memory_source(std::string_view bytes) { return std::make_unique<MemorySource>(bytes); }

}  // namespace diatom::image
