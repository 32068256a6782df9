// A pattern as a client sends it: what the translation lets through, the C library takes.
#include <cstdint>
#include <string>

#include "base/go_regex.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace diatom;
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto regex = GoRegex::compile(text);
    if (!regex && regex.error().what().empty()) __builtin_trap();
    if (regex) (void)regex->matches("my-web-1");
    if (size > GoRegex::kLongest || text.contains('\0')) return 0;
    if (!regex && posix_of_go(text)) __builtin_trap();
    return 0;
}
