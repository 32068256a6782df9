// A seccomp profile as a client sends it, to the filter that the kernel would get.
#include <cstdint>
#include <string_view>

#include "engine/seccomp_file.h"
#include "runtime/seccomp.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace diatom;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const engine::SeccompTarget target{
        .architecture = "amd64", .kernel = "6.12.48", .capabilities = {"CAP_SYS_ADMIN", "CAP_CHOWN"}};
    const auto profile = engine::decode_seccomp_file(text, target);
    if (!profile && profile.error().what().empty()) __builtin_trap();
    if (!profile) return 0;
    for (const auto& rule : profile->rules) {
        if (rule.names.empty()) __builtin_trap();
    }
    constexpr std::size_t kMostRules = 40;  // compiling more takes a second
    if (profile->rules.size() > kMostRules) return 0;
    const auto filter = runtime::compile_filter(*profile);
    if (filter && filter->program.empty()) __builtin_trap();
    return 0;
}
