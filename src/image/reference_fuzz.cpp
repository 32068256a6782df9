#include <cstdlib>

#include "image/reference.h"

// A reference that is accepted reads the same after it was written out in either form.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using diatom::image::Reference;
    const auto reference = Reference::parse({reinterpret_cast<const char*>(data), size});
    if (!reference) return 0;
    for (const auto& text : {reference->full(), reference->familiar()}) {
        const auto again = Reference::parse(text);
        if (!again || *again != *reference) std::abort();
    }
    return 0;
}
