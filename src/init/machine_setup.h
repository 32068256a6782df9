// What the kernel must be told before anything runs. Thread side: PID 1, once. Each gives an error and leaves the rest
// of the boot alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace diatom::init {

// "key = value" lines, '#' comments; a key the kernel does not have is reported and skipped. Gives the problems.
std::vector<std::string> apply_sysctls(const std::string& file, const std::string& proc_sys = "/proc/sys");

// Host name: the configured one, else the one on the state partition, else "diatom".
Result<std::string> set_hostname(const std::string& configured, const std::string& state_dir);

// 32 hex digits for this machine: from the state partition; else in a virtual machine the SMBIOS UUID; else random.
// Written to `etc_file`, and to the state directory when that is durable.
Result<std::string> set_machine_id(const std::string& state_dir, bool durable, const std::string& etc_file);
// "9f4c…-…" to 32 digits; empty for one that is all zeros, all ones or malformed (many machines share those).
std::string machine_id_of_uuid(std::string_view uuid);

Result<void> raise_loopback();

// Every network card, so that its carrier is there when the network's service looks for it: the kernel reports the
// first carrier of a link up to a second late (net/core/link_watch.c). Without an address: also not the one that the
// kernel gives by itself (addr_gen_mode 1, Documentation/networking/ip-sysctl.rst). Gives the problems.
std::vector<std::string> raise_links(const std::string& sys_class_net = "/sys/class/net");
Result<void> raise_limits();  // descriptors: PID 1 keeps thousands, containers may have a million

// Mixes the saved seed into the kernel's pool, without credit: the file may have been copied.
Result<void> load_random_seed(const std::string& state_dir);
Result<void> save_random_seed(const std::string& state_dir);

// A clock that stands before this release or before the last shutdown is set to the later of the two.
Result<bool> correct_clock(const std::string& release_file, const std::string& state_dir);

}  // namespace diatom::init
