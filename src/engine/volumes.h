// Named and anonymous volumes: ROOT/volumes/NAME/_data. Thread side: the loop's thread for the list; the functions that
// touch the disk block and run on a worker.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "engine/container_list.h"
#include "engine/model.h"

namespace diatom::engine {

void complete_volume(Volume& volume, const std::string& root);  // mountpoint, time, the anonymous label
std::int64_t count_users(const Volume& volume, const ContainerList& containers);  // running or not
// A directory that is being made or removed carries a mark, so that an engine that dies half-way is understood by the
// next one: without a record it goes, with one it stays. Without mark and record it is somebody else's. The database
// reaches the disk on its own, before or after the names that were made or removed beside it: so the mark is synced
// before a record is erased, and a directory that a power cut took back is made anew by settle_volumes.
// Marked, and with the volume's limit of size or not at all; one that is there stays, and is limited to what the volume
// says.
Result<void> make_volume_directory(const Volume& volume);
Result<void> finish_volume_directory(const std::string& mountpoint);  // once the record is written
Result<void> doom_volume_directory(const std::string& mountpoint);    // before the record is erased
Result<void> remove_volume_directory(const std::string& root, const std::string& name);
Result<void> settle_volumes(const std::string& root, const std::set<std::string>& recorded);  // at the engine's start

// What a container mounts: fills `uses` and appends to `made` the volumes that are not in `known` yet. Anonymous ones
// get a random name. Binds and tmpfs are not volumes; a `-v` at an image's volume takes its place.
Result<void> plan_volumes(Container& container, const std::vector<Volume>& known, const std::string& root,
                          std::vector<Volume>& made);

// Copies the image's files at `target` into an empty volume, as Docker does when it is first used, and writes them to
// the disk: the record that follows says that they are there. `root`: open_root_view.
Result<void> copy_up(FdRef root, const std::string& target, const std::string& destination);

}  // namespace diatom::engine
