// Terminals of containers: handed to who listens at --console-socket, or relayed to our own. Thread side: calling.
#pragma once

#include <string>

#include "base/error.h"
#include "base/fd.h"
#include "runtime/runtime.h"

namespace diatom::oci {

// A connection to --console-socket, made before anything else is: a mistake there costs no container.
Result<Fd> connect_console(const std::string& path);
Result<void> hand_over_terminal(FdRef socket, FdRef master);

// Our own standard descriptors, and those that are to be preserved, which must be open.
Result<runtime::Stdio> own_stdio(unsigned preserve_fds);

// Stays with a process until it ends: signals of ours go to it, with a terminal bytes go both ways and ours is raw
// meanwhile. Gives the exit code, by the shell's convention.
Result<int> attend(FdRef pidfd, FdRef terminal);

}  // namespace diatom::oci
