// A classic BPF filter of system calls, made smaller. libseccomp names each allowed call; most of them lie side by
// side, so a search over ranges of numbers needs a fraction of the instructions. That counts at each container's start:
// the kernel's constant blinding (net.core.bpf_jit_harden=2) takes time with the square of a filter's length
// (bpf_adj_branches in kernel/bpf/core.c, Linux 6.12), and its cache of constant answers walks the filter once per call
// (seccomp_cache_prepare). Thread side: any; pure.
#pragma once

#include <linux/filter.h>

#include <vector>

namespace diatom::runtime {

// A program with the same answer for every input, by construction: the given one is evaluated for each range of numbers
// of each architecture, up to its return or to the first argument that it looks at; from there its own instructions go
// on. What this cannot follow (arithmetic, scratch memory, backward jumps) comes back unchanged.
std::vector<sock_filter> compact_filter(const std::vector<sock_filter>& program);

}  // namespace diatom::runtime
