// Named and anonymous volumes: ROOT/volumes/NAME/_data. Thread side: the loop's thread for the list; the functions that
// touch the disk block and run on a worker.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "engine/model.h"

namespace diatom::engine {

void complete_volume(Volume& volume, const std::string& root);  // mountpoint, time, the anonymous label
Result<void> make_volume_directory(const std::string& mountpoint);
Result<void> remove_volume_directory(const std::string& root, const std::string& name);

// What a container mounts: fills `uses` and appends to `made` the volumes that are not in `known` yet. Anonymous ones
// get a random name. Binds and tmpfs are not volumes; a `-v` at an image's volume takes its place.
Result<void> plan_volumes(Container& container, const std::vector<Volume>& known, const std::string& root,
                          std::vector<Volume>& made);

// Copies the image's files at `target` into an empty volume, as Docker does when it is first used. `root`:
// open_root_view.
Result<void> copy_up(FdRef root, const std::string& target, const std::string& destination);

}  // namespace diatom::engine
