// engine.json as anybody might write it.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/engine_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto config = diatom::config::decode_engine_config(text, "engine.json");
    if (!config && !config.error().what().contains("engine.json")) std::abort();
    if (!config) return 0;
    if (config->tls && (config->tls_off || config->tls->port == 0)) std::abort();
    return 0;
}
