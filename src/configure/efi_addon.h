// An addon for systemd-stub: a PE file that says what the kernel's command line has beside the one of the image. The
// stub reads those in \loader\addons of the partition that it was started from, and appends them; where Secure Boot is
// on, it takes signed ones only. Source: systemd-stub(7) of systemd 257, "Companion files"; Microsoft's PE format
// specification; UEFI 2.10, section 2.1.1. Thread side: any; pure.
#pragma once

#include <string>
#include <string_view>

namespace diatom::configure {

std::string efi_addon(std::string_view command_line);

}  // namespace diatom::configure
