// The kernel parameters that say where a machine's configuration is, in everybody's words. Thread side: any; pure.
//
//   diatom.config=URL|PATH            user-data, above all that the platform says
//   diatom.platform=NAME|none         where to ask, whatever the machine looks like
//   cloud-config-url=URL              the same as diatom.config for a document that begins with #cloud-config
//   ignition.config.url=URL           the same for Ignition
//   ignition.platform.id=NAME         CoreOS's names: aws, gcp, azure, qemu, metal, …
//   ignition.firstboot[=1]            take first-boot actions again
//   ds=NAME[;KEY=VALUE…]  ci.ds=NAME  cloud-init's names; of nocloud: s (seedfrom), h (local-hostname), i (instance-id)
//   cloud-init=disabled               ask no platform
// A mistake becomes a warning: it must not keep a machine from booting.
// Source: docs.cloud-init.io, "Kernel command line" and "NoCloud" (24.4); coreos.github.io/ignition, "Supported
// platforms" (2.20) and coreos-installer's kernel parameters.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/instance.h"

namespace diatom::platform {

// Where a NoCloud seed is, and what stands in for its meta-data.
struct NoCloudSeed {
    std::string from;  // a URL, or an absolute path; empty: on a file system with the label
    std::string hostname, instance_id;
};

struct Parameters {
    std::string config_url, cloud_config_url, ignition_url;
    std::optional<Platform> platform;  // Platform::none: nobody is asked
    std::string chosen_by;             // who said so: "ds=ec2"
    std::optional<NoCloudSeed> seed;
    bool ignition_first_boot = false;
    std::vector<std::string> warnings;
};

Parameters parse_parameters(std::string_view command_line);

// "ds=nocloud;s=http://10.0.2.2/;h=web-1;i=iid-1", of the command line or of the SMBIOS serial number; "nocloud-net"
// and the long names of the keys are the same. Nothing where it is something else.
std::optional<NoCloudSeed> parse_nocloud(std::string_view text);

}  // namespace diatom::platform
