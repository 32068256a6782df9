// The files that the engine puts over a container's /etc/hostname, /etc/hosts and /etc/resolv.conf. Thread side: any.
#pragma once

#include <string>

#include "base/error.h"
#include "engine/model.h"

namespace diatom::engine {

std::string hostname_of(const Container& container);  // the configured one, or the first 12 digits of the id
Result<std::string> hosts_text(const Container& container, const net::Address& host_gateway);
// `host`: the machine's own resolv.conf. Its loopback servers are left out unless the network is the host's.
std::string resolv_conf_text(const ContainerConfig& config, std::string_view host);

// Writes all three into `directory` and records their paths.
Result<void> write_etc_files(Container& container, const std::string& directory, const net::Address& host_gateway);

}  // namespace diatom::engine
