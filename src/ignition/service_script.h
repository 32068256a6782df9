// The shell script of a service that is more than one command. Source: systemd.service(5), the order of ExecCondition,
// ExecStartPre, ExecStart, ExecStartPost, ExecStop and ExecStopPost. Thread side: any.
#pragma once

#include <string>
#include <vector>

#include "ignition/exec_line.h"

namespace diatom::ignition {

struct EnvironmentFile {
    std::string path;
    bool optional = false;
};

struct ServicePlan {
    bool oneshot = false;
    bool remains = false;            // RemainAfterExit
    std::string signal = "TERM";     // that ends it
    std::vector<std::string> tests;  // of sh: any that fails ends the service well
    std::vector<EnvironmentFile> files;
    std::vector<ExecLine> conditions, before, main, after, stop, cleanup;

    // One command with its arguments as they stand.
    bool is_plain() const;
    // The script stays beside the program, and passes the signal on.
    bool stays() const;
    std::string script() const;
};

}  // namespace diatom::ignition
