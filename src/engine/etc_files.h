// The files that the engine puts over a container's /etc/hostname, /etc/hosts and /etc/resolv.conf. Thread side: any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "engine/model.h"

namespace diatom::engine {

std::string hostname_of(const Container& container);  // the configured one, or the first 12 digits of the id
Result<std::string> hosts_text(const Container& container, const net::Address& host_gateway);
// `host`: the machine's own resolv.conf. Its loopback servers are left out unless the network is the host's, or the
// engine's resolver asks them.
enum class Resolver : std::uint8_t { none, engine };
std::string resolv_conf_text(const ContainerConfig& config, std::string_view host, Resolver resolver);
std::vector<std::string> name_servers(std::string_view resolv_conf);

// Writes all three into `directory` and records their paths.
Result<void> write_etc_files(Container& container, const std::string& directory, const net::Address& host_gateway);
// After the networks of a running container changed from `before`: its own addresses in hosts, and the resolver in
// resolv.conf. What the container wrote there itself stays.
Result<void> update_etc_files(const Container& before, const Container& after);

}  // namespace diatom::engine
