// JSON as anybody might write it: what is read must be read again from what it is printed as.
#include <cstdint>
#include <cstdlib>

#include "document/json_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace diatom;
    const auto value = read_json({reinterpret_cast<const char*>(data), size}, "fuzz.json");
    if (!value) {
        if (!value.error().what().starts_with("fuzz.json:")) std::abort();
        return 0;
    }
    const auto text = to_json(*value, JsonStyle::compact);
    const auto again = read_json(text, "again");
    if (!again || to_json(*again, JsonStyle::compact) != text) std::abort();
    return 0;
}
