// Seccomp profiles as `docker run --security-opt seccomp=FILE` sends them: the file's text. They are written for many
// machines and containers; what applies is chosen by architecture, kernel and the container's capabilities.
// Thread side: any. Source: docs.docker.com "Seccomp security profiles"; the fields are those of its default profile.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "runtime/spec.h"

namespace diatom::engine {

// The machine that the profile is read for.
struct SeccompTarget {
    std::string architecture;  // as Docker names it: "amd64"
    std::string kernel;        // "6.12.48"
    std::vector<std::string> capabilities;
    static SeccompTarget host(std::vector<std::string> capabilities);
};

Result<runtime::Seccomp> decode_seccomp_file(std::string_view text, const SeccompTarget& target);

}  // namespace diatom::engine
