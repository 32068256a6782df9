// Ignition's JSON as anybody might write it, with references that lead back to it: what comes out is a configuration of
// the machine, and what was merged is accepted again.
#include <cstdint>
#include <cstdlib>

#include "ignition/ignition.h"
#include "machine/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace diatom;
    const std::string text(reinterpret_cast<const char*>(data), size);
    int asked = 0;
    const auto fetch = [&](const ignition::Request&) -> Result<std::string> {
        if (++asked > 4) return fail(Kind::unavailable, "no more");
        return text;
    };
    const auto config = ignition::resolve(ignition::read_ignition(text, "fuzz.ign"), fetch);
    const auto result = ignition::to_machine(config, fetch);
    if (!result.ok()) {
        if (!result.machine.members().empty()) std::abort();
        return 0;
    }
    if (!machine::check(result.machine).empty()) std::abort();
    if (!ignition::read_ignition(to_json(result.config, JsonStyle::compact), "again").ok()) std::abort();
    return 0;
}
