// The engine's model as Docker's JSON. Field names and their quirks: Docker Engine API 1.51 (api/types of moby 28).
// Thread side: any; pure functions, except that sizes are given by the caller.
#pragma once

#include <optional>
#include <string>

#include "api/http.h"
#include "base/json_text.h"
#include "engine/engine.h"

namespace diatom::api {

Json encode_container(const engine::Container& container,
                      std::optional<engine::ContainerSize> size);  // GET /containers/{}/json
// GET /containers/json; `version`: the API's, its minor number.
void write_container_row(JsonText& out, const engine::Container& container, std::optional<engine::ContainerSize> size,
                         int version);
Json encode_host_config(const engine::Container& container);
void add_host_defaults(Json& host, const engine::ContainerConfig& config);
Json encode_health(const engine::Health& health);
Json encode_health_check(const engine::HealthCheck& check);
std::string health_text(const engine::Health& health);  // " (healthy)", as docker ps prints it behind the time
void write_networks(JsonText& out, const engine::Container& container);  // "Networks" of the settings
Json encode_network_settings(const engine::Container& container);
Json encode_ports(const engine::Container& container);  // of docker ps
Json encode_port_map(const engine::Container& container);

Json encode_image(const image::ImageRecord& image);  // GET /images/{}/json
Json encode_image_row(const image::ImageRecord& image, std::int64_t containers);
// GET /images/{}/history: the newest step first. `sizes`: bytes of layers, by diff id.
Json encode_history(const image::ImageRecord& image, const std::map<image::Digest, std::uint64_t>& sizes);
Json encode_image_config(const image::ImageConfig& config);

Json encode_network(const engine::NetworkRecord& network, const engine::ContainerList& containers);
Json encode_volume(const engine::Volume& volume);
Json encode_exec(const engine::ExecState& exec);
Json encode_path_stat(const engine::PathStat& about);  // X-Docker-Container-Path-Stat

// "0001-01-01T00:00:00Z" for no time, as Go prints its zero time.
std::string encode_time(std::int64_t wall_ns);
// A time parameter (since, until): RFC 3339, seconds with fraction, or a duration before now.
Result<std::optional<std::int64_t>> time_param(const Request& request, const std::string& name);
Result<std::optional<std::int64_t>> time_value(const std::string& text, std::string_view name);

}  // namespace diatom::api
