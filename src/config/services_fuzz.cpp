// The files of system services as anybody might write them.
#include <cstdint>
#include <cstdlib>

#include "config/services.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace diatom;
    auto services = config::parse_services({reinterpret_cast<const char*>(data), size}, "fuzz.yml");
    if (!services) {
        if (services.error().what().empty()) std::abort();
        return 0;
    }
    const auto count = services->size();
    const auto ordered = config::order_services(std::move(*services));
    if (ordered && ordered->size() != count) std::abort();
    return 0;
}
