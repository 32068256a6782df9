// gzip by ISA-L's igzip, zstd by its own library, both in this process: a pipe to a helper would cost more than it
// saves.
#include <isa-l/igzip_lib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "image/byte_source.h"

namespace diatom::image {
namespace {

constexpr std::size_t kInput = 256U << 10U;
constexpr std::array<std::uint8_t, 2> kGzipMagic{0x1f, 0x8b};
constexpr std::array<std::uint8_t, 4> kZstdMagic{0x28, 0xb5, 0x2f, 0xfd};
constexpr std::array<std::uint8_t, 3> kZstdSkippable{0x2a, 0x4d, 0x18};  // after one byte 0x50 to 0x5f

// A source whose first bytes were looked at already.
class Rewound final : public ByteSource {
public:
    Rewound(std::vector<std::uint8_t> head, std::unique_ptr<ByteSource> rest)
        : head_(std::move(head)), rest_(std::move(rest)) {}

    Result<std::size_t> read(std::span<std::uint8_t> buffer) override {
        if (given_ == head_.size()) return rest_->read(buffer);
        const auto size = std::min(buffer.size(), head_.size() - given_);
        std::copy_n(head_.data() + given_, size, buffer.data());
        given_ += size;
        return size;
    }
    void interrupt() override { rest_->interrupt(); }

private:
    std::vector<std::uint8_t> head_;
    std::size_t given_ = 0;
    std::unique_ptr<ByteSource> rest_;
};

class GzipSource final : public ByteSource {
public:
    explicit GzipSource(std::unique_ptr<ByteSource> compressed)
        : compressed_(std::move(compressed)), state_(std::make_unique<inflate_state>()), input_(kInput) {
        isal_inflate_init(state_.get());
        state_->crc_flag = ISAL_GZIP;
    }

    Result<std::size_t> read(std::span<std::uint8_t> buffer) override {
        if (buffer.empty()) return std::size_t{0};
        for (;;) {
            if (state_->avail_in == 0) TRY(refill());
            if (between_members_ && !TRY(next_member())) return std::size_t{0};
            const auto size = static_cast<std::uint32_t>(std::min<std::size_t>(buffer.size(), UINT32_MAX));
            state_->next_out = buffer.data();
            state_->avail_out = size;
            const bool starved = state_->avail_in == 0;
            if (const int code = isal_inflate(state_.get()); code != ISAL_DECOMP_OK) {
                return fail(Kind::corrupt, "gzip: the stream is damaged (igzip error {})", code);
            }
            if (state_->block_state == ISAL_BLOCK_FINISH) between_members_ = true;
            if (const auto got = size - state_->avail_out; got > 0) return std::size_t{got};
            if (starved && ended_ && !between_members_) return fail(Kind::corrupt, "gzip: the stream ends early");
        }
    }
    void interrupt() override { compressed_->interrupt(); }

private:
    Result<void> refill() {
        if (ended_) return {};
        const auto got = TRY(compressed_->read(input_));
        ended_ = got == 0;
        state_->next_in = input_.data();
        state_->avail_in = static_cast<std::uint32_t>(got);
        return {};
    }

    // False at the end of the stream. Zeros after the last member are padding, as gzip(1) takes them.
    Result<bool> next_member() {
        for (;;) {
            while (state_->avail_in > 0 && *state_->next_in == 0) {
                ++state_->next_in;
                --state_->avail_in;
            }
            if (state_->avail_in > 0) break;
            TRY(refill());
            if (ended_) return false;
        }
        if (*state_->next_in != kGzipMagic[0]) return fail(Kind::corrupt, "gzip: garbage follows the stream");
        isal_inflate_reset(state_.get());  // keeps the input
        state_->crc_flag = ISAL_GZIP;
        between_members_ = false;
        return true;
    }

    std::unique_ptr<ByteSource> compressed_;
    std::unique_ptr<inflate_state> state_;
    std::vector<std::uint8_t> input_;
    bool ended_ = false;
    bool between_members_ = false;
};

class ZstdSource final : public ByteSource {
public:
    explicit ZstdSource(std::unique_ptr<ByteSource> compressed)
        : compressed_(std::move(compressed)), context_(ZSTD_createDCtx()), buffer_(kInput) {}

    Result<std::size_t> read(std::span<std::uint8_t> buffer) override {
        if (!context_) return fail(Kind::exhausted, "zstd: out of memory");
        if (buffer.empty()) return std::size_t{0};
        for (;;) {
            if (input_.pos == input_.size && !flushing_) TRY(refill());
            ZSTD_outBuffer output{buffer.data(), buffer.size(), 0};
            const bool nothing_left = input_.pos == input_.size && !flushing_;
            if (nothing_left) {
                if (frame_open_) return fail(Kind::corrupt, "zstd: the stream ends early");
                return std::size_t{0};
            }
            const auto code = ZSTD_decompressStream(context_.get(), &output, &input_);
            if (ZSTD_isError(code) != 0) return fail(Kind::corrupt, "zstd: {}", ZSTD_getErrorName(code));
            frame_open_ = code != 0;
            // A full output buffer may leave decoded bytes inside, to be had without new input.
            flushing_ = output.pos == output.size && frame_open_;
            if (output.pos > 0) return output.pos;
        }
    }
    void interrupt() override { compressed_->interrupt(); }

private:
    struct FreeContext {
        void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
    };

    Result<void> refill() {
        if (ended_) return {};
        const auto got = TRY(compressed_->read(buffer_));
        ended_ = got == 0;
        input_ = {buffer_.data(), got, 0};
        return {};
    }

    std::unique_ptr<ByteSource> compressed_;
    std::unique_ptr<ZSTD_DCtx, FreeContext> context_;
    std::vector<std::uint8_t> buffer_;
    ZSTD_inBuffer input_{nullptr, 0, 0};
    bool ended_ = false;
    bool frame_open_ = false;
    bool flushing_ = false;
};

bool is_zstd(std::span<const std::uint8_t> head) {
    if (head.size() < 4) return false;
    if (std::ranges::equal(head, kZstdMagic)) return true;
    return (head[0] & 0xf0U) == 0x50 && std::ranges::equal(head.subspan(1), kZstdSkippable);
}

}  // namespace

Result<std::unique_ptr<ByteSource>> decompress(std::unique_ptr<ByteSource> compressed) {
    std::vector<std::uint8_t> head(4);
    std::size_t filled = 0;
    while (filled < head.size()) {
        const auto got = TRY(compressed->read(std::span(head).subspan(filled)));
        if (got == 0) break;
        filled += got;
    }
    head.resize(filled);
    const bool gzip = head.size() >= 2 && std::equal(kGzipMagic.begin(), kGzipMagic.end(), head.begin());
    const bool zstd = is_zstd(head);
    std::unique_ptr<ByteSource> whole = std::make_unique<Rewound>(std::move(head), std::move(compressed));
    if (gzip) return std::make_unique<GzipSource>(std::move(whole));
    if (zstd) return std::make_unique<ZstdSource>(std::move(whole));
    return whole;
}

}  // namespace diatom::image
