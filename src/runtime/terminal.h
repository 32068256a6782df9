// A container's pseudo terminal, out of its own devpts. Thread side: the init of a container.
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "runtime/spec.h"

namespace diatom::runtime {

// Makes a pair, makes its slave the controlling terminal and descriptors 0, 1 and 2, gives it to the user, and (when
// `console`) puts it on /dev/console. Gives the master. Needs a session of our own without a terminal.
enum class Console { leave, bind };
Result<Fd> take_terminal(FdRef root, const Process& process, Console console);

// Gives pipes that are our standard descriptors to the user, who may then open them again as /dev/stdout.
Result<void> hand_over_stdio(const User& user);

}  // namespace diatom::runtime
