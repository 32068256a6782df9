#include <cstdint>
#include <cstdlib>

#include "cloud/instance.h"
#include "cloud/jinja.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace diatom;
    static const Value kData = [] {
        auto meta_data = cloud::read_meta_data("instance-id: i\ntags: [a, b]\nmap: {x: 1, y: [2]}\n", "meta-data");
        return cloud::instance_data(*meta_data, {.cloud_name = "fuzz"});
    }();
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto rendered = cloud::render_jinja(text, kData);
    if (!rendered) {
        if (rendered.error().message.empty() || rendered.error().line == 0) std::abort();
        return 0;
    }
    std::size_t lines = rendered->text.empty() || rendered->text.ends_with('\n') ? 0 : 1;
    for (const char c : rendered->text) lines += c == '\n' ? 1 : 0;
    if (lines != rendered->lines.size() || rendered->text.size() > cloud::kMaxRendered) std::abort();
    return 0;
}
