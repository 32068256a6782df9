// Whatever a client sends as a request head is decoded or refused; nothing throws, nothing reads out of bounds.
#include <cstddef>
#include <cstdint>

#include "api/http.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto request = diatom::api::decode_head({reinterpret_cast<const char*>(data), size});
    if (!request) return 0;
    // What was accepted must hold the invariants that handlers rely on.
    if (request->path.empty() || request->path.front() != '/') __builtin_trap();
    if (request->path.find('\0') != std::string::npos) __builtin_trap();
    (void)request->flag("all");
    (void)request->number("limit");
    return 0;
}
