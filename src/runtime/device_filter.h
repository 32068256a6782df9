// Which devices a cgroup may use: rules assembled into a BPF_PROG_TYPE_CGROUP_DEVICE program, since version 2 of
// cgroups has no device controller. Thread side: any.
// Source: Documentation/admin-guide/cgroup-v2.rst "Device controller"; linux/bpf.h (Linux 4.15).
#pragma once

#include <linux/bpf.h>

#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "runtime/spec.h"

namespace diatom::runtime {

// For each kind of access asked for (read, write, mknod) the last rule that covers it decides; none: denied. So
// "allow r" and "allow w" together allow opening for both, and a later "deny w" takes just that away.
Result<std::vector<bpf_insn>> assemble_device_filter(const std::vector<DeviceRule>& rules);

// A rule list that lets everything through needs no program.
bool allows_everything(const std::vector<DeviceRule>& rules);

// Loads the program and attaches it to the cgroup, in place of nothing: further ones must allow too. It lives as long
// as the cgroup. denied without CAP_BPF/CAP_SYS_ADMIN; unsupported on a kernel without CONFIG_CGROUP_BPF.
Result<void> attach_device_filter(FdRef cgroup, const std::vector<DeviceRule>& rules);
// The loading alone: the verifier's judgement, for tests.
Result<Fd> load_device_filter(const std::vector<bpf_insn>& program);

}  // namespace diatom::runtime
