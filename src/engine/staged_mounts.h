// Mounts that exist only while a container is launched: of images, of a part of a volume or of an image, of the
// /dev/shm of the container whose IPC namespace it joins. The container gets its own copy of each; here they are undone
// before its program runs, so that nothing is left to clean up.
//
// A part of a volume is looked up inside the volume and bound by descriptor: its containers cannot lead us out of it
// with a link, nor exchange what was looked up.
//
// A /dev/shm is copied out of its owner's mount namespace: it has no other place, so none has to be given back, and it
// is found there by whatever engine comes next.
//
// Thread side: a worker; blocks.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/model.h"
#include "image/store.h"
#include "sys/process.h"

namespace diatom::engine {

class StagedMounts {
public:
    // `directory`: made, and removed at the end; not below one that is removed with its contents. `ipc_owner`: the
    // process whose IPC namespace is joined.
    static Result<StagedMounts> make(const Container& container, image::Store& store, const std::string& directory,
                                     const std::optional<sys::ProcessId>& ipc_owner);
    StagedMounts(StagedMounts&&) noexcept = default;
    StagedMounts& operator=(StagedMounts&&) = delete;
    ~StagedMounts();

    // Target in the container -> what is to be bound there.
    const std::map<std::string, std::string>& sources() const noexcept { return sources_; }

private:
    explicit StagedMounts(std::string directory) : directory_(std::move(directory)) {}
    Result<std::string> place(FdRef tree, bool is_directory);
    Result<std::string> mount_image(const image::RootFs& rootfs, bool read_only);
    Result<std::string> mount_shm_of(const sys::ProcessId& process);
    Result<std::string> bind_part(const std::string& whole, const std::string& subpath);

    std::string directory_;
    std::vector<std::string> places_;  // in the order in which they were mounted
    std::map<std::string, std::string> sources_;
};

}  // namespace diatom::engine
