// An image from its registry, by an engine. Thread side: any; blocks.
#pragma once

#include <string>

#include "compose/docker_client.h"

namespace diatom::compose {

// A name without tag or digest means its tag latest, as docker's command line has it: to the API it means every tag.
// unavailable: the pull began, and failed.
Result<void> pull_image(const Client& client, const std::string& image);

}  // namespace diatom::compose
