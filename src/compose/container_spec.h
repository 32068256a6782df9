// From a service to what Docker's API is asked for. Thread side: any.
#pragma once

#include <string>
#include <vector>

#include "compose/project.h"
#include "document/value.h"

namespace diatom::compose {

// What we say that we are: docker compose leaves containers of any version alone.
inline constexpr std::string_view kComposeVersion = "2.26.1";

namespace label {
inline constexpr std::string_view kProject = "com.docker.compose.project";
inline constexpr std::string_view kService = "com.docker.compose.service";
inline constexpr std::string_view kNumber = "com.docker.compose.container-number";
inline constexpr std::string_view kHash = "com.docker.compose.config-hash";
inline constexpr std::string_view kOneOff = "com.docker.compose.oneoff";
inline constexpr std::string_view kDependsOn = "com.docker.compose.depends_on";
inline constexpr std::string_view kImage = "com.docker.compose.image";
inline constexpr std::string_view kVersion = "com.docker.compose.version";
inline constexpr std::string_view kConfigFiles = "com.docker.compose.project.config_files";
inline constexpr std::string_view kWorkingDir = "com.docker.compose.project.working_dir";
inline constexpr std::string_view kNetwork = "com.docker.compose.network";
inline constexpr std::string_view kVolume = "com.docker.compose.volume";
}  // namespace label

struct ContainerPlan {
    std::string service, name, image_id;
    int number = 1;
    bool one_off = false;                   // of `compose run`
    bool aliased = false;                   // such a one has the service's names all the same
    std::vector<std::string> links;         // CONTAINER:ALIAS
    std::string shared_network;             // "container:ID" for network_mode service:X
    std::vector<std::string> volumes_from;  // containers
    std::string hash;                       // of the service, references to others resolved
};

std::string image_of(const Project& project, const std::string& service);
std::string container_name(const Project& project, const std::string& service, int number);

// The networks of a service, the one of the highest priority first: a container is made in the first and joins the
// others.
std::vector<std::string> networks_in_order(const Value& service);
std::string network_name(const Project& project, const std::string& key);

// The body of POST /containers/create.
Result<Value> container_body(const Project& project, const ContainerPlan& plan);
// The body of POST /networks/X/connect.
Value connect_body(const Project& project, const ContainerPlan& plan, const std::string& network,
                   const std::string& container);
Value network_body(const Project& project, const std::string& key);
Value volume_body(const Project& project, const std::string& key);

}  // namespace diatom::compose
