// Where a registry's name leads: mirrors, plain HTTP, proxies. Thread side: any; pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "image/http_client.h"
#include "image/registry.h"

namespace diatom::image {

struct RegistryBase {
    Url url;
    std::string name;  // host[:port], whose credentials are for it
    bool mirror = false;
};
enum class Mirrors { first, none };
// The bases to try for a registry, in order: its mirrors, then itself; https first, then http where that is allowed.
std::vector<RegistryBase> registry_bases(const std::string& domain, const RegistryOptions& options, Mirrors mirrors);

// Whether any certificate and plain HTTP will do: for loopback addresses and what options.insecure lists.
bool is_insecure(const Url& url, const RegistryOptions& options);

// What the client brought for the registry, or what is configured for the base. A mirror gets its own only.
std::optional<Credentials> credentials_for(const RegistryBase& base, const std::optional<Credentials>& given,
                                           const RegistryOptions& options);

// Whether no_proxy ("localhost,.example.org,10.0.0.0/8") exempts the host; loopback always is.
bool bypasses_proxy(std::string_view host, std::string_view no_proxy);

// "https://index.docker.io/v1/" and the like, as docker login sends them: the host alone.
std::string login_host(std::string_view address);

}  // namespace diatom::image
