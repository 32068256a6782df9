#include <cstdint>
#include <cstdlib>

#include "cloud/network.h"
#include "machine/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace diatom;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto translation = cloud::read_network_config(text, "network-config");
    if (!translation) return translation.error().what().empty() ? (std::abort(), 0) : 0;
    if (!machine::check(translation->document).empty()) std::abort();
    return 0;
}
