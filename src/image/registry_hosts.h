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

// What the bases of one registry answered, asked in their order, while none did what was wanted.
class Failures {
public:
    // Plain HTTP, of a registry that asked over TLS who we are: what is secret stays out of the clear.
    bool forbid(const RegistryBase& base) const;
    // False where no other base can mend it: our own disk, the client's departure, a wrong platform.
    bool add(const RegistryBase& base, Error error);
    // The one that counts: an answer more than none, the registry's own more than a mirror's, and what it says over TLS
    // more than what its TLS port says to plain HTTP. There must have been one.
    const Error& error() const { return *error_; }

private:
    std::optional<Error> error_;
    std::string over_tls_;  // the base that has answered there
    bool asked_who_ = false;
};

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
