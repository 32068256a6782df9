// What Docker's drivers take for one endpoint (driver-opt of --network, DriverOpts). Thread side: any.
#pragma once

#include <map>
#include <string>

#include "base/error.h"
#include "engine/model.h"

namespace diatom::engine {

inline constexpr const char* kInterfaceOption = "com.docker.network.endpoint.ifname";
inline constexpr const char* kSysctlsOption = "com.docker.network.endpoint.sysctls";

// unsupported: another one of Docker's own. What no driver knows is kept, as Docker does.
Result<void> check_endpoint_options(const EndpointConfig& endpoint);

// "net.ipv4.conf.IFNAME.log_martians=1,…" for an interface: path below /proc/sys/net -> value.
Result<std::map<std::string, std::string>> endpoint_sysctls(const EndpointConfig& endpoint,
                                                            const std::string& interface);

}  // namespace diatom::engine
