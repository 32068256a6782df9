// What an engine is started with: /var/lib/diatom/config/engine.json on the state partition, then the kernel command
// line. Thread side: any; values.
//
//   {"registry_mirrors": {"docker.io": "mirror.example:5000"},     // also a list of "HOST=MIRROR"
//    "insecure_registries": ["mirror.example:5000"],              // any certificate, or plain HTTP
//    "registry_auths": {"registry.example": {"username": "me", "password": "…"}},
//                                          // as in docker's config.json: also "auth" or "identitytoken"
//    "proxies": {"http_proxy": "http://proxy.example:3128", "https_proxy": "…", "no_proxy": ".lab.example,10.0.0.0/8"},
//    "tls": {"address": "::", "port": 2376}}                       // or false
//
// What trusts a registry and what we show it lies in /var/lib/diatom/config/certs.d/HOST[:PORT], as in Docker's
// /etc/docker/certs.d. docs/REGISTRIES.md says more.
//
// The certificates of the TLS listener (ca.pem, server-cert.pem, server-key.pem) lie in /var/lib/diatom/tls; a virtual
// machine may get them from its host as QEMU fw_cfg files opt/diatom/tls/NAME, which come first and turn TLS on.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "config/boot_config.h"

namespace diatom::config {

inline constexpr const char* kEngineConfigFile = "/var/lib/diatom/config/engine.json";

// What the machine's configuration says of the engine, written at each boot; it takes the place of the file above,
// which is one of its sources then.
inline constexpr const char* kRenderedEngineConfig = "/run/diatom/config/engine.json";

inline constexpr const char* kRegistryCertificates = "/var/lib/diatom/config/certs.d";

struct TlsFiles {
    TlsAddress at;
    std::string ca, certificate, key;  // paths
};

struct RegistryAuth {
    std::string username, password, identity_token;
    friend bool operator==(const RegistryAuth&, const RegistryAuth&) = default;
};

struct EngineConfig {
    std::vector<std::pair<std::string, std::string>> mirrors;
    std::vector<std::string> insecure_registries;
    std::map<std::string, RegistryAuth> registry_auths;  // by host, as it was written
    Proxies proxies;
    std::optional<TlsAddress> tls;
    bool tls_off = false;
};

// Unknown keys are an error that names the nearest known one.
Result<EngineConfig> decode_engine_config(std::string_view text, const std::string& file);

// The file (none is fine) overridden by the command line; a file that cannot be used becomes a warning in `warnings`.
EngineConfig load_engine_config(const std::string& file, const BootConfig& boot, std::vector<std::string>& warnings);

// HTTP_PROXY, HTTPS_PROXY, NO_PROXY, or the same in lower case, for what nothing else says. `variable` is empty for
// what is not set.
void complete_proxies(Proxies& proxies, const std::function<std::string(const char*)>& variable);

// Nothing when TLS is off or unconfigured. Configured without certificates: not_found, with the missing paths.
Result<std::optional<TlsFiles>> find_tls_files(
    const EngineConfig& config, const std::string& state_dir,
    const std::string& fw_cfg_dir = "/sys/firmware/qemu_fw_cfg/by_name/opt/diatom/tls");

}  // namespace diatom::config
