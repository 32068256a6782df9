// Attributes of a process that need the rights it has before it becomes the container's user. Thread side: the init of
// a container, on itself.
#pragma once

#include <string>

#include "base/error.h"
#include "base/fd.h"
#include "runtime/spec.h"

namespace diatom::runtime {

// I/O priority and processor scheduling.
Result<void> set_priorities(const Process& process);
// "", "LINUX" or "LINUX32": what uname(2) says.
Result<void> set_personality(const std::string& domain);
// The AppArmor profile that holds from the next execve on; "": none asked for. unsupported on a kernel without
// AppArmor.
Result<void> set_apparmor_profile(FdRef host_proc, const std::string& profile);

}  // namespace diatom::runtime
