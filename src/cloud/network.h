// Network documents of cloud-init, version 1 and 2 (netplan's, as far as cloud-init documents it and a little further),
// to the machine's network. Thread side: any; values. Source: cloud-init 25.2, "Networking config Version 1" and
// "Version 2"; netplan 1.1, "YAML configuration" for routing-policy, link-local and the rest of routes.
#pragma once

#include <string_view>

#include "cloud/cloud_config.h"

namespace diatom::cloud {

// NoCloud's network-config, with or without "network:" around it. invalid: no YAML.
Result<Translation> read_network_config(std::string_view text, const std::string& file);

// network_data.json of OpenStack, on a drive or from its metadata service. invalid: no JSON.
Result<Translation> read_openstack_network(std::string_view text, const std::string& file);

// The same of what was read already: ConfigDrive's and Proxmox's come as values.
Translation translate_network(const Value& network);

}  // namespace diatom::cloud
