#include "engine/spec_devices.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "runtime/host_devices.h"

namespace diatom::engine {
namespace {

Failure no_device(const std::string& path, std::string_view why) {
    return fail(Kind::invalid,
                "error gathering device information while adding custom device \"{}\": {}: check the path with ls -l "
                "on this machine",
                path, why);
}

}  // namespace

Result<std::vector<runtime::Device>> find_devices(const DeviceMapping& mapping) {
    const auto& inside = mapping.inside.empty() ? mapping.host : mapping.inside;
    struct stat status{};
    if (::stat(mapping.host.c_str(), &status) != 0) return no_device(mapping.host, std::strerror(errno));
    if (!S_ISDIR(status.st_mode)) {
        auto device = runtime::host_device(mapping.host);
        if (!device) return no_device(mapping.host, "not a device node");
        device->path = inside;
        return std::vector{std::move(*device)};
    }
    auto devices = runtime::host_devices_below(mapping.host);
    if (devices.empty()) return no_device(mapping.host, "the directory holds no device node");
    for (auto& device : devices) device.path = inside + device.path.substr(mapping.host.size());
    return devices;
}

Result<void> apply_devices(runtime::Spec& spec, const ContainerConfig& config) {
    for (const auto& mapping : config.devices) {
        for (auto& device : TRY(find_devices(mapping))) {
            if (!config.privileged) {
                spec.resources.devices.push_back({.allow = true,
                                                  .type = device.type,
                                                  .major = device.major,
                                                  .minor = device.minor,
                                                  .access = mapping.access});
            }
            std::erase_if(spec.devices, [&](const auto& other) { return other.path == device.path; });
            spec.devices.push_back(std::move(device));
        }
    }
    return {};
}

}  // namespace diatom::engine
