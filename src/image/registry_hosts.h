// Where a registry's name leads: mirrors, plain HTTP, proxies. Thread side: any; pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "image/http_client.h"
#include "image/registry.h"

namespace diatom::image {

// The bases to try for a registry, in order: its mirrors, then itself; https first, then http where that is allowed
// (loopback addresses and what options.insecure lists).
std::vector<Url> registry_bases(const std::string& domain, const RegistryOptions& options);

// Whether no_proxy ("localhost,.example.org,10.0.0.0/8") exempts the host; loopback always is.
bool bypasses_proxy(std::string_view host, std::string_view no_proxy);

// "https://index.docker.io/v1/" and the like, as docker login sends them: the host alone.
std::string login_host(std::string_view address);

}  // namespace diatom::image
