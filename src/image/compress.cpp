// gzip by ISA-L, as decompress.cpp.
#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <vector>

#include "image/byte_source.h"

namespace diatom::image {
namespace {

constexpr std::size_t kInput = 256U << 10U;

class GzipCompressor final : public ByteSource {
public:
    explicit GzipCompressor(std::unique_ptr<ByteSource> plain)
        : plain_(std::move(plain)),
          stream_(std::make_unique<isal_zstream>()),
          input_(kInput),
          work_(ISAL_DEF_LVL1_DEFAULT) {
        isal_deflate_init(stream_.get());
        stream_->gzip_flag = IGZIP_GZIP;
        stream_->flush = NO_FLUSH;
        stream_->level = 1;
        stream_->level_buf = work_.data();
        stream_->level_buf_size = static_cast<std::uint32_t>(work_.size());
    }

    Result<std::size_t> read(std::span<std::uint8_t> buffer) override {
        const auto size = static_cast<std::uint32_t>(std::min<std::size_t>(buffer.size(), UINT32_MAX));
        stream_->next_out = buffer.data();
        stream_->avail_out = size;
        while (stream_->avail_out == size && size > 0 && stream_->internal_state.state != ZSTATE_END) {
            if (stream_->avail_in == 0 && stream_->end_of_stream == 0) {
                const auto got = TRY(plain_->read(input_));
                stream_->next_in = input_.data();
                stream_->avail_in = static_cast<std::uint32_t>(got);
                stream_->end_of_stream = got == 0 ? 1 : 0;
            }
            if (const int code = isal_deflate(stream_.get()); code != COMP_OK)
                return fail(Kind::bug, "gzip: igzip error {}", code);
        }
        return std::size_t{size - stream_->avail_out};
    }
    void interrupt() override { plain_->interrupt(); }

private:
    std::unique_ptr<ByteSource> plain_;
    std::unique_ptr<isal_zstream> stream_;
    std::vector<std::uint8_t> input_, work_;
};

}  // namespace

std::unique_ptr<ByteSource> compress_gzip(std::unique_ptr<ByteSource> plain) {
    return std::make_unique<GzipCompressor>(std::move(plain));
}

}  // namespace diatom::image
