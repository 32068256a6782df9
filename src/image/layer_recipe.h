// How a layer's archive is made again, byte by byte, from its unpacked directory: all that the archive holds beside the
// contents of its files (headers, extended headers, padding) is kept, compressed, in LAYER/recipe, a hundredth of the
// layer or less. So `docker save` and push need no copy of the archive, and a layer's diff id never changes.
//
//   "diatom01"  size of the archive (8 bytes, little endian), then one zstd stream of
//   'V' length(4) bytes            as they stood in the archive
//   'F' size(8) length(4) path     the contents of that file of the directory
//
// An archive that holds a file twice is unpacked to the later one: made again it fails its digest, and says so.
// Source: POSIX.1-2017 pax and ustar; GNU tar's long names. Thread side: one thread.
#pragma once

#include <memory>
#include <string>

#include "base/fd.h"
#include "image/byte_source.h"
#include "image/digest.h"

namespace diatom::image {

inline constexpr std::string_view kRecipeMagic = "diatom01";
inline constexpr std::uint32_t kMostRecipePath = 1U << 20U;  // bytes

// Watches the archive go by.
class RecipeWriter final : public ByteExaminer {
public:
    explicit RecipeWriter(Fd file);
    ~RecipeWriter() override;
    Result<void> examine(std::span<const std::uint8_t> bytes) override;
    Result<void> finish();

private:
    class Parser;
    class Output;
    std::unique_ptr<Output> output_;
    std::unique_ptr<Parser> parser_;
};

// The archive of the layer at `directory` (which holds fs and recipe). Reading its end fails with Kind::corrupt when
// the bytes were not those of `diff_id`.
Result<SizedSource> open_layer_archive(const std::string& directory, const Digest& diff_id);

}  // namespace diatom::image
