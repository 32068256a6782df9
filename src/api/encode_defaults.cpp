// The members that HostConfig always has, whatever the client has left out of it.
#include "api/encode.h"

namespace diatom::api {
namespace {

constexpr const char* kTexts[] = {"ContainerIDFile", "VolumeDriver", "Cgroup",     "PidMode",    "UTSMode",
                                  "UsernsMode",      "Isolation",    "CpusetCpus", "CpusetMems", "CgroupParent"};
constexpr const char* kNumbers[] = {"CpuShares",         "Memory",
                                    "NanoCpus",          "BlkioWeight",
                                    "CpuPeriod",         "CpuQuota",
                                    "CpuCount",          "CpuPercent",
                                    "CpuRealtimePeriod", "CpuRealtimeRuntime",
                                    "MemorySwap",        "MemoryReservation",
                                    "IOMaximumIOps",     "IOMaximumBandwidth",
                                    "OomScoreAdj"};
// Lists, maps, and numbers that say by null that nobody has set them.
constexpr const char* kNulls[] = {"Binds",
                                  "VolumesFrom",
                                  "CapAdd",
                                  "CapDrop",
                                  "Dns",
                                  "DnsOptions",
                                  "DnsSearch",
                                  "ExtraHosts",
                                  "GroupAdd",
                                  "Links",
                                  "SecurityOpt",
                                  "BlkioWeightDevice",
                                  "BlkioDeviceReadBps",
                                  "BlkioDeviceWriteBps",
                                  "BlkioDeviceReadIOps",
                                  "BlkioDeviceWriteIOps",
                                  "Devices",
                                  "DeviceCgroupRules",
                                  "DeviceRequests",
                                  "MemorySwappiness",
                                  "OomKillDisable",
                                  "PidsLimit",
                                  "Ulimits"};

}  // namespace

void add_host_defaults(Json& host, const engine::ContainerConfig& config) {
    const auto add = [&](const char* key, Json value) {
        auto& member = host[key];
        if (member.is_null()) member = std::move(value);
    };
    for (const auto* key : kTexts) add(key, "");
    for (const auto* key : kNumbers) add(key, 0);
    for (const auto* key : kNulls) add(key, nullptr);
    add("PublishAllPorts", false);
    add("PortBindings", Json::object());
    add("ConsoleSize", {0, 0});
    if (config.network_mode == "default") host["NetworkMode"] = "bridge";
    // None says "no limit", as zero and -1 do.
    if (const auto& pids = host["PidsLimit"]; pids.is_number() && pids <= 0) host["PidsLimit"] = nullptr;
    if (config.privileged) return;
    add("MaskedPaths", runtime::default_masked_paths());
    add("ReadonlyPaths", runtime::default_readonly_paths());
}

}  // namespace diatom::api
