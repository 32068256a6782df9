// The engine's records as JSON documents, the form in which engine.db keeps them. Decoding is lenient towards absent
// members (records of an older version) and strict towards wrong types. Thread side: any.
#pragma once

#include "base/json.h"
#include "engine/model.h"

namespace diatom::engine {

Json encode(const ContainerConfig& config);
Result<ContainerConfig> decode_config(const Json& document);
Json encode(const Container& container);
Result<Container> decode_container(const Json& document);
Json encode(const Health& health);
Result<Health> decode_health_state(const Json& document);
Json encode(const Volume& volume);
Result<Volume> decode_volume(const Json& document);
Json encode(const NetworkRecord& network);
Result<NetworkRecord> decode_network(const Json& document);

std::string_view to_string(RestartPolicy policy);
std::string_view to_string(MountKind kind);

}  // namespace diatom::engine
