#include <cstdint>
#include <cstdlib>

#include "compose/dotenv.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const diatom::compose::Environment outer{{"SET", "value"}};
    const auto found = diatom::compose::parse_dotenv(text, "fuzz.env", outer);
    if (found && found->contains("")) std::abort();
    const auto raw = diatom::compose::parse_raw_env(text, "fuzz.env");
    if (!found && found.error().what().empty()) std::abort();
    if (!raw && raw.error().what().empty()) std::abort();
    return 0;
}
