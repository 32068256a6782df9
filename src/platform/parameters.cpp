#include "platform/parameters.h"

#include <algorithm>
#include <array>
#include <format>

#include "base/strings.h"
#include "config/boot_config.h"

namespace diatom::platform {
namespace {

struct Name {
    std::string_view text;
    Platform platform;
};
// Ours, cloud-init's (in lower case) and CoreOS's.
constexpr std::array kNames{
    Name{"none", Platform::none},
    Name{"off", Platform::none},
    Name{"metal", Platform::none},
    Name{"nocloud", Platform::nocloud},
    Name{"nocloud-net", Platform::nocloud},
    Name{"proxmoxve", Platform::nocloud},
    Name{"config-drive", Platform::config_drive},
    Name{"configdrive", Platform::config_drive},
    Name{"nutanix", Platform::config_drive},
    Name{"openstack", Platform::openstack},
    Name{"ec2", Platform::ec2},
    Name{"aws", Platform::ec2},
    Name{"gce", Platform::gce},
    Name{"gcp", Platform::gce},
    Name{"azure", Platform::azure},
    Name{"azurestack", Platform::azure},
    Name{"digitalocean", Platform::digitalocean},
    Name{"hetzner", Platform::hetzner},
    Name{"vmware", Platform::vmware},
    Name{"ovf", Platform::vmware},
    Name{"firmware", Platform::firmware},
    Name{"qemu", Platform::firmware},
};

void choose(Parameters& parameters, std::string_view key, std::string_view name) {
    const auto lower = to_lower(name);
    const auto* known = std::ranges::find(kNames, std::string_view(lower), &Name::text);
    if (known == kNames.end()) {
        parameters.warnings.push_back(
            std::format("kernel command line: {}={} is ignored: this system asks nocloud, config-drive, openstack, "
                        "ec2, gce, azure, "
                        "digitalocean, hetzner, vmware, firmware or none",
                        key, name));
        return;
    }
    parameters.platform = known->platform;
    parameters.chosen_by = std::format("{}={}", key, name);
}

void apply_datasource(Parameters& parameters, std::string_view key, const std::string& value) {
    if (auto seed = parse_nocloud("ds=" + value)) parameters.seed = std::move(seed);
    choose(parameters, key, std::string_view(value).substr(0, value.find(';')));
}

void apply(Parameters& parameters, const std::string& key, const std::string& value) {
    if (key == "diatom.config") parameters.config_url = value;
    else if (key == "cloud-config-url") parameters.cloud_config_url = value;
    else if (key == "ignition.config.url") parameters.ignition_url = value;
    else if (key == "ignition.platform.id" || key == "diatom.platform") choose(parameters, key, value);
    else if (key == "ds" || key == "ci.ds" || key == "ci.datasource") apply_datasource(parameters, key, value);
    else if (key == "ignition.firstboot") parameters.ignition_first_boot = value != "0";
    else if (key == "cloud-init" && value == "disabled") choose(parameters, key, "none");
}

}  // namespace

Parameters parse_parameters(std::string_view command_line) {
    Parameters parameters;
    for (const auto& [key, value] : config::split_command_line(command_line)) {
        apply(parameters, key, value.value_or(""));
    }
    return parameters;
}

std::optional<NoCloudSeed> parse_nocloud(std::string_view text) {
    if (!text.starts_with("ds=")) return std::nullopt;
    const auto parts = split(text.substr(3), ';');
    const auto name = to_lower(trim(parts.front()));
    if (name != "nocloud" && name != "nocloud-net") return std::nullopt;
    NoCloudSeed seed;
    for (const auto part : parts) {
        const auto halves = cut(part, '=');
        if (!halves) continue;
        if (halves->first == "s" || halves->first == "seedfrom") seed.from = halves->second;
        else if (halves->first == "h" || halves->first == "local-hostname") seed.hostname = halves->second;
        else if (halves->first == "i" || halves->first == "instance-id") seed.instance_id = halves->second;
    }
    if (seed.from.starts_with("file://")) seed.from.erase(0, 7);
    return seed;
}

}  // namespace diatom::platform
