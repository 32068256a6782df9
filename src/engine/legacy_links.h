// `docker run --link` on the default bridge: names in /etc/hosts and variables, as Docker documents them for "legacy
// links". On a network of one's own a link is a name of the name service instead (name_service.h). Thread side: any.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "engine/model.h"

namespace diatom::engine {

struct LinkNames {
    std::string target, alias;
};
Result<LinkNames> parse_link(const std::string& text);  // "CONTAINER[:ALIAS]"

// Moves the links of the default bridge from its endpoint into `config.links`; refuses those of other networks that
// have no names. `mode`: the effective one.
Result<void> take_links(ContainerConfig& config, const std::string& mode);

// Names and addresses of the target as it is now. conflict: it does not run, or not on the default bridge.
Result<void> refresh_link(const Container& container, ContainerLink& link, const Container& target);

// DB_NAME, DB_PORT, DB_PORT_5432_TCP, …, DB_ENV_…: for the process, before the container's own.
std::vector<std::string> link_variables(const Container& container, const ContainerLink& link, const Container& target);

std::vector<std::string> link_lines(const Container& container);  // of /etc/hosts

}  // namespace diatom::engine
