// Hostile user-data through every wrapping to a configuration; what it includes is the input itself.
#include <cstdint>
#include <cstdlib>

#include "cloud/translate.h"
#include "machine/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace diatom;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    auto meta = Value::map();
    meta.set("name", "web");
    std::size_t fetched = 0;
    cloud::Sources sources;
    sources.instance_data = &meta;
    sources.fetch = [&](const std::string& url, bool) -> Result<std::string> {
        if (++fetched > 16) return fail(Kind::not_found, "no more");
        return url.ends_with("self") ? std::string(bytes) : std::string("#cloud-config\nhostname: included\n");
    };
    const auto half = bytes.substr(bytes.size() / 2);
    const auto taken = cloud::translate_user_data({.user_data = bytes, .vendor_data = half}, sources, {});
    if (!machine::check(taken.translation.document).empty()) std::abort();
    for (const auto& warning : taken.translation.warnings) {
        if (warning.text.empty()) std::abort();
    }
    for (const auto& part : taken.scripts) {
        if (part.name.empty() || part.name.contains('/')) std::abort();
    }
    return 0;
}
