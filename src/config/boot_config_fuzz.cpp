#include <cstdlib>

#include "config/boot_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view line(reinterpret_cast<const char*>(data), size);
    const auto config = diatom::config::decode_boot_config(line);
    if (!config.hostname.empty() && !diatom::config::is_host_name(config.hostname)) std::abort();
    if (config.watchdog_s && *config.watchdog_s == 0) std::abort();
    for (const auto& device : config.autoformat) {
        if (!device.starts_with("/dev/")) std::abort();
    }
    return 0;
}
