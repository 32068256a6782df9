#include <cstdint>
#include <cstdlib>

#include "configure/host_key.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace diatom::configure;
    const auto key = read_host_key({reinterpret_cast<const char*>(data), size});
    if (!key) return 0;
    // What is taken has a public half, and that is its own.
    if (key->bytes.empty() || !is_public_half(*key, key->public_key + " comment")) std::abort();
    return 0;
}
