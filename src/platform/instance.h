// What a machine's platform says of it: the result of every source. Thread side: any; values.
//
// The documents and the metadata may contain secrets: they are never logged, and written only where root alone reads.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace diatom::platform {

inline constexpr std::size_t kMaxBody = 16U << 20U;  // bytes of one document

enum class Platform : std::uint8_t {
    none,
    nocloud,       // a file system, a server, or both
    config_drive,  // OpenStack's file system
    openstack,
    ec2,
    gce,
    azure,
    digitalocean,
    hetzner,
    vmware,
    firmware,  // QEMU's fw_cfg
    file,      // of the state partition
    url,       // named on the kernel command line
};
std::string_view to_string(Platform platform) noexcept;  // "ec2": what `why` and `cloud-init query platform` print

// One document, and its place: "http://169.254.169.254/latest/user-data", "user-data on cidata".
struct Document {
    std::string bytes;
    std::string from;
};

// What language a network configuration is written in.
enum class NetworkForm : std::uint8_t {
    cloud_init,         // YAML, version 1 or 2
    openstack,          // network_data.json
    debian_interfaces,  // /etc/network/interfaces
};

struct Instance {
    Platform platform = Platform::none;
    std::string cloud;        // who runs the platform where several do: "aws", "brightbox"
    std::string instance_id;  // decides what runs once
    std::string hostname;
    std::vector<std::string> public_keys;  // lines of authorized_keys
    std::string region, zone, instance_type;
    std::optional<Document> user_data;
    std::vector<Document> vendor_data;  // in rising order of precedence
    std::optional<Document> network_config;
    NetworkForm network_form = NetworkForm::cloud_init;
    Json metadata = Json::object();              // for templates: what cloud-init calls ds.meta_data
    std::map<std::string, std::string> origins;  // "hostname" → the place that it came from
    std::vector<std::string> warnings;           // without secrets
};

}  // namespace diatom::platform
