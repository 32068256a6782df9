// Any JSON body of /containers/create gives a configuration or an error.
#include <cstddef>
#include <cstdint>

#include "api/decode.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto body = diatom::parse_json({reinterpret_cast<const char*>(data), size}, "fuzz");
    if (!body || !body->is_object()) return 0;
    const auto config = diatom::api::decode_container_config(*body, 51);
    if (!config) return 0;
    for (const auto& mount : config->mounts) {
        if (mount.target.empty() || mount.target.front() != '/') __builtin_trap();
    }
    return 0;
}
