// Docker's JSON as the engine's model. What this version cannot honour is refused by name, never ignored; fields that
// Docker does not know are ignored, as Docker does. What contradicts itself is the engine's to refuse (engine/merge.h).
// Thread side: any; fuzzed.
#pragma once

#include "api/http.h"
#include "engine/model.h"

namespace diatom::api {

Result<engine::ContainerConfig> decode_container_config(const Json& body, int version);  // POST /containers/create
Result<engine::ExecConfig> decode_exec_config(const Json& body);                         // POST /containers/{}/exec

// HostConfig's half, by concern.
Result<void> decode_host_config(const Json& host, engine::ContainerConfig& config);
Result<void> decode_mounts(const Json& host, engine::ContainerConfig& config);
Result<void> decode_resources(const Json& host, engine::ContainerConfig& config);
Result<void> check_block_weight(std::int64_t weight);  // 0: none
Result<void> decode_options(const Json& host, engine::ContainerConfig& config);
Result<void> decode_ports(const Json& host, engine::ContainerConfig& config);
Result<void> decode_restart(const Json& host, engine::ContainerConfig& config);
Result<void> refuse_unsupported(const Json& host);  // what Docker knows and this version does not honour
// A container's networks, and one of them: docker run --network, docker network connect.
Result<void> decode_endpoints(const Json& body, engine::ContainerConfig& config);
Result<engine::EndpointConfig> decode_endpoint(const std::string& network, const Json& settings);
Result<engine::NetworkRecord> decode_network(const Json& body);  // POST /networks/create
// POST /networks/{}/connect and /networks/{}/disconnect
struct Connecting {
    std::string container;
    engine::EndpointConfig endpoint;
};
struct Disconnecting {
    std::string container;
    bool force = false;
};
Result<Connecting> decode_connecting(const std::string& network, const Json& body);
Result<Disconnecting> decode_disconnecting(const Json& body);

// POST /volumes/create
struct VolumeRequest {
    std::string name;
    std::map<std::string, std::string> labels, options;
};
Result<VolumeRequest> decode_volume(const Json& body);

// POST /containers/{}/update: what the body sets, in place of what was set when the container was made; zero and ""
// leave things as they are.
Result<engine::Update> decode_update(const engine::ContainerConfig& made, const Json& body);

// POST /commit: Docker's ContainerConfig replaces what the container has. What no image has is left out.
Json decode_commit(const Json& body);
// "SRC:DST[:OPTIONS]" as of docker run -v.
Result<engine::MountPoint> decode_bind(std::string_view text);

}  // namespace diatom::api
