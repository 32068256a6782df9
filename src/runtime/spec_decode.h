// The parts of config.json's decoding that stand in different files. Thread side: any.
#pragma once

#include "runtime/section.h"
#include "runtime/spec.h"

namespace diatom::runtime {

// The member "linux": namespaces, devices, cgroup, paths.
Result<void> decode_linux(const Section& config, Spec& spec);
Result<Resources> decode_resources(const Section& parent, std::string_view key);
Result<Seccomp> decode_seccomp(const Section& linux_section);
Result<std::vector<IdMapping>> decode_mappings(const Section& section, std::string_view key);
Result<Process> decode_process(const Section::Item& item);

// "c", "b", "a" and so on: one letter out of `allowed`.
Result<char> decode_letter(const Section& section, std::string_view key, std::string_view allowed, char fallback);

}  // namespace diatom::runtime
