#include "image/manifest.h"

// The first line is the content type, the rest the document.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace diatom::image;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto line = std::min(text.find('\n'), text.size());
    const auto document = text.substr(std::min(line + 1, text.size()));
    const auto decoded = decode_manifest(document, text.substr(0, line));
    if (decoded && std::holds_alternative<Index>(*decoded)) (void)std::get<Index>(*decoded).select(Platform::host());
    (void)ImageConfig::decode(document);
    return 0;
}
