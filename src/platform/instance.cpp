#include "platform/instance.h"

namespace diatom::platform {

std::string_view to_string(Platform platform) noexcept {
    switch (platform) {
        case Platform::none: return "none";
        case Platform::nocloud: return "nocloud";
        case Platform::config_drive: return "config-drive";
        case Platform::openstack: return "openstack";
        case Platform::ec2: return "ec2";
        case Platform::gce: return "gce";
        case Platform::azure: return "azure";
        case Platform::digitalocean: return "digitalocean";
        case Platform::hetzner: return "hetzner";
        case Platform::vmware: return "vmware";
        case Platform::firmware: return "firmware";
        case Platform::file: return "file";
        case Platform::url: return "url";
    }
    return "none";
}

}  // namespace diatom::platform
