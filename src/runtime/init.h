// A container's first process between its clone and the execution of its program, and the same for a process that joins
// a running container. Thread side: the only thread of its process.
//
//   session ─> mappings ─> namespaces ─> names ─> root file system ─> terminal ─> limits ─> ready ──go──> user ─> exec
//   at any point: the connection ends, or a step fails (reported) ─> _exit
#pragma once

#include "base/fd.h"
#include "runtime/request.h"

namespace diatom::runtime {

// `mapped`: readable once the executor has written the user namespace's mappings; unset without one.
[[noreturn]] void run_init(Request& request, FdRef control, FdRef mapped) noexcept;

bool has_new_namespace(const Spec& spec, NamespaceKind kind);
bool has_namespace(const Spec& spec, NamespaceKind kind);

}  // namespace diatom::runtime
