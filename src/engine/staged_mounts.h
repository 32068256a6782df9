// Mounts that exist only while a container is launched: of images, of a part of a volume or of an image. The container
// gets its own copy of each; here they are undone before its program runs, so that nothing is left to clean up.
//
// A part of a volume is looked up inside the volume and bound by descriptor: its containers cannot lead us out of it
// with a link, nor exchange what was looked up.
//
// Thread side: a worker; blocks.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/model.h"
#include "image/store.h"

namespace diatom::engine {

class StagedMounts {
public:
    // `directory`: made, and removed at the end; not below one that is removed with its contents.
    static Result<StagedMounts> make(const Container& container, image::Store& store, const std::string& directory);
    StagedMounts(StagedMounts&&) noexcept = default;
    StagedMounts& operator=(StagedMounts&&) = delete;
    ~StagedMounts();

    // Target in the container -> what is to be bound there.
    const std::map<std::string, std::string>& sources() const noexcept { return sources_; }

private:
    explicit StagedMounts(std::string directory) : directory_(std::move(directory)) {}
    Result<std::string> place(FdRef tree, bool is_directory);
    Result<std::string> mount_image(const image::RootFs& rootfs, bool read_only);
    Result<std::string> bind_part(const std::string& whole, const std::string& subpath);

    std::string directory_;
    std::vector<std::string> places_;  // in the order in which they were mounted
    std::map<std::string, std::string> sources_;
};

}  // namespace diatom::engine
