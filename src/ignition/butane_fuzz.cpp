// Butane's YAML as anybody might write it: what it becomes is an Ignition configuration.
#include <cstdint>
#include <cstdlib>

#include "ignition/ignition.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace diatom;
    const auto config = ignition::read_butane({reinterpret_cast<const char*>(data), size}, "fuzz.bu");
    if (!config.ok()) {
        for (const auto& problem : config.report.problems) {
            if (!problem.starts_with("fuzz.bu")) std::abort();
        }
        return 0;
    }
    if (!ignition::read_ignition(to_json(config.document, JsonStyle::compact), "again").ok()) std::abort();
    ignition::to_machine(config, {});
    return 0;
}
