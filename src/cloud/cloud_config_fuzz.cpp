#include <cstdint>
#include <cstdlib>

#include "cloud/cloud_config.h"
#include "cloud/instance.h"
#include "cloud/merge_how.h"
#include "document/yaml_reader.h"
#include "machine/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace diatom;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto meta_data = cloud::read_meta_data(text, "meta-data");
    if (meta_data) (void)cloud::instance_data(*meta_data, {});
    auto documents = read_yaml(text, "fuzz");
    if (!documents || documents->empty()) return 0;
    auto config = std::move(documents->front());
    const auto copy = config;
    if (const auto mergers = cloud::take_merge_how(config, "")) config = cloud::merge_configs(copy, config, *mergers);
    cloud::Options options;
    options.memory = 1ULL << 30U;
    options.hash_password = [](std::string_view) -> Result<std::string> { return "$6$x"; };
    const auto translation = cloud::translate_cloud_config(config, options);
    if (!machine::check(translation.document).empty()) std::abort();
    return 0;
}
