// RancherOS's keys on the kernel command line: rancher.network.interfaces.eth0.address=…, and cc.hostname=… for those
// beside "rancher". Thread side: any; values. Source: RancherOS 1.5, config/cmdline/cmdline.go.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "document/value.h"

namespace diatom::cloud {

struct Parameter {
    std::string name;
    std::optional<std::string> value;  // none: true
};

// As a cloud-config; empty where no parameter is RancherOS's. Values are YAML's scalars, and lists in brackets; a later
// parameter wins.
Value rancher_config(std::span<const Parameter> parameters);

}  // namespace diatom::cloud
