// A container's effective configuration: what the user asked for over what the image says. Thread side: any.
#pragma once

#include "engine/model.h"

namespace diatom::engine {

inline constexpr const char* kDefaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// Fills argv, env, working_dir, user, stop_signal, labels, volumes and exposed ports. As Docker: an entrypoint of the
// user's makes the image's command void; the image's environment comes first and is overridden by name.
Result<void> merge_image(Container& container, const image::ImageConfig& image);

// Refuses, by name, what this version does not honour and what contradicts itself.
Result<void> validate(const ContainerConfig& config);

// `base` with each KEY=VALUE of `over` in place of the same key. "KEY" alone removes it, as with `docker run -e KEY`.
std::vector<std::string> merge_env(std::vector<std::string> base, const std::vector<std::string>& over);

}  // namespace diatom::engine
