// The parts of config.json's decoding that stand in different files. Thread side: any.
#pragma once

#include "runtime/section.h"
#include "runtime/spec.h"

namespace diatom::runtime {

// The member "linux": namespaces, devices, cgroup, paths.
Result<void> decode_linux(const Json& value, Spec& spec);
Result<Resources> decode_resources(const Json& value, const std::string& path);
Result<Seccomp> decode_seccomp(const Json& value, const std::string& path);

// "c", "b", "a" and so on: one letter out of `allowed`.
Result<char> decode_letter(const Section& section, std::string_view key, std::string_view allowed, char fallback);

}  // namespace diatom::runtime
