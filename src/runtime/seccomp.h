// System call filters: a Seccomp value compiled to the kernel's classic BPF, and its loading. Compiling Docker's
// profile takes milliseconds, so launch() keeps what it compiled. Thread side: compile any, load the calling thread
// only.
// Source: seccomp(2); the runtime-spec's "seccomp"; libseccomp 2.6.
#pragma once

#include <linux/filter.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "runtime/spec.h"

namespace diatom::runtime {

struct Filter {
    std::vector<sock_filter> program;
    unsigned load_flags = 0;  // SECCOMP_FILTER_FLAG_*
};

// A profile that notifies needs a listener, and must leave it sendmsg(2), which brings the descriptor there.
// Names that this libseccomp or architecture does not know are left out, as runc does; unknown actions, operators,
// architectures and flags are refused. System calls newer than every one of the profile give ENOSYS, not the default
// action's errno, so that a C library falls back as it would on an old kernel.
Result<Filter> compile_filter(const Seccomp& seccomp);

// The same out of a cache that lives as long as the process.
Result<std::shared_ptr<const Filter>> cached_filter(const Seccomp& seccomp);

// What profiles may say.
struct SeccompWords {
    std::vector<std::string> actions, operators, flags, architectures;
};
SeccompWords seccomp_words();

// Needs no_new_privs or CAP_SYS_ADMIN. Gives a descriptor of the notifications if `load_flags` ask for one.
Result<Fd> load_filter(std::string_view program, unsigned load_flags);

}  // namespace diatom::runtime
