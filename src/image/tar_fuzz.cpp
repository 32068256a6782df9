#include <cstdlib>

#include "image/tar.h"

namespace {

using namespace diatom;

// Whatever the archive says, no name that comes out leads anywhere but down.
class Check final : public image::TarSink {
public:
    Result<void> begin(const image::TarEntry& entry) override {
        check(entry.path);
        if (entry.type == image::EntryType::hardlink) check(entry.link);
        return {};
    }
    Result<void> data(std::uint64_t, std::string_view bytes) override {
        bytes_ += bytes.size();
        if (bytes_ > (8U << 20U)) return fail(Kind::exhausted, "enough");
        return {};
    }
    Result<void> end(const image::TarEntry&) override { return {}; }

private:
    static void check(const std::string& path) {
        const auto again = image::normal_path(path);
        if (!again || *again != path || path.starts_with('/')) std::abort();
    }
    std::uint64_t bytes_ = 0;
};

}  // namespace

// Compressed or not, as a layer comes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto source = image::decompress(image::memory_source({reinterpret_cast<const char*>(data), size}));
    if (!source) return 0;
    Check check;
    (void)image::read_tar(**source, check);
    return 0;
}
