// Ignition's configuration (JSON, 3.0.0 to 3.5.0) and Butane's (YAML, fcos 1.0.0 to 1.6.0, flatcar 1.0.0 and 1.1.0) as
// a configuration of the machine. Pure but for what Fetch does. Thread side: that of Fetch. Source:
// https://coreos.github.io/ignition/specs/, operator-notes and https://coreos.github.io/butane/specs/.
//
//   text -> read_*() -> Config -> resolve() -> Config, with what it merges or is replaced by -> to_machine() -> Value
//
// A failed Ignition stops the boot: every problem is an error, and there is no result then. Warnings are what Ignition
// warns of, too (unknown keys, which are ignored), and what is done in another way here.
//
// What this machine does not do is refused: RAID, LUKS, s3, gs and tftp; file systems but ext4, vfat and swap;
// passwords of groups; units that service_unit.h, unit_words.h and calendar.h know no counterpart of; of Butane also
// local files and trees, boot_device and grub, which only its own command line can read or which are about CoreOS's
// disk image.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ignition/resource.h"

namespace diatom::ignition {

// A document as the specification has it, checked: print it with to_json.
struct Config {
    Value document;  // of Ignition, names and forms as in the specification; empty where it cannot be read
    Report report;

    bool ok() const { return report.problems.empty(); }
};

struct Translation {
    Value machine;  // of machine_type(), its marks those of the configuration; empty where there are problems
    Value config;   // the merged configuration
    Report report;

    bool ok() const { return report.problems.empty(); }
};

// Whether a text claims to be the one or the other; not whether it is right.
bool looks_like_ignition(std::string_view text);
bool looks_like_butane(std::string_view text);

// `file` names the text in errors.
Config read_ignition(std::string_view text, const std::string& file);
Config read_butane(std::string_view text, const std::string& file);

// Fetches what ignition.config refers to, in Ignition's order: replace, or each merge with what that merges, depth
// first. Configurations below kMaxDepth others, and more than kMaxConfigs, are refused.
inline constexpr int kMaxDepth = 10;
inline constexpr int kMaxConfigs = 64;
Config resolve(Config config, const Fetch& fetch);

// Files with an http or https source and nothing else to heed are left to be fetched by who writes them (`source`,
// `digest`); what has headers, compression or fragments, or needs the proxy or the certificates that the configuration
// names for its requests, is fetched here.
Translation to_machine(const Config& config, const Fetch& fetch);

// All of it.
Translation translate(std::string_view text, const std::string& file, const Fetch& fetch);

}  // namespace diatom::ignition
