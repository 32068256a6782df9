// config.json as anybody might write it: decoding never crashes, and what it takes comes back the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "runtime/mount_options.h"
#include "runtime/seccomp.h"
#include "runtime/spec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace diatom;
    const auto document = parse_json({reinterpret_cast<const char*>(data), size}, "config.json");
    if (!document) return 0;
    const auto spec = runtime::decode_spec(*document);
    if (!spec) return 0;
    const Json encoded = runtime::encode(*spec);
    const auto again = runtime::decode_spec(encoded);
    if (!again || runtime::encode(*again) != encoded) std::abort();
    for (const auto& mount : spec->mounts) std::ignore = runtime::parse_mount_options(mount);
    return 0;
}
