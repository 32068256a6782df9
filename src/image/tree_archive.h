// A file or a tree as a tar archive, made as it is read. Names are sorted, links are never followed, sockets have no
// place in an archive and are left out. The tree may change meanwhile: what has gone is left out, a file that shrinks
// is filled with zeros, one that grows is cut. Source of the whiteouts: OCI image-spec 1.1, layer.md. Thread side: one
// thread at a time; blocks.
#pragma once

#include <sys/stat.h>

#include <map>
#include <string>
#include <vector>

#include "base/fd.h"
#include "image/tar_writer.h"

namespace diatom::image {

enum class Upper : std::uint8_t {
    plain,    // a tree as it is
    overlay,  // an overlayfs layer: its whiteouts become ".wh.NAME", opaque directories get ".wh..wh..opq"
};

class TreeArchive final : public TarSource {
public:
    // What is in `place` by `name`, or `place` itself where that is empty, to be called `as` in the archive. Without
    // `as` a directory gets no entry of its own, and what is in it stands at the archive's top.
    TreeArchive(Fd place, std::string name, std::string as, Upper upper = Upper::plain);

private:
    struct Level {
        Fd directory;
        std::string path;                // in the archive
        std::vector<std::string> names;  // still to be added
    };
    Result<bool> step(TarWriter& tar) override;
    Result<void> add(TarWriter& tar, FdRef directory, const std::string& name, const std::string& path);
    Result<void> add_directory(TarWriter& tar, FdRef above, const std::string& name, TarEntry entry);
    Result<void> add_file(TarWriter& tar, FdRef directory, const std::string& name, TarEntry entry);
    Result<void> enter(Fd directory, std::string path);
    Result<void> copy(TarWriter& tar);
    bool was_linked(const struct stat& status, TarEntry& entry);

    Fd place_;
    std::string name_, as_;
    Upper upper_;
    bool begun_ = false;
    std::vector<Level> levels_;
    Fd file_;                 // being copied
    std::uint64_t left_ = 0;  // bytes of it
    std::string piece_;
    std::map<std::pair<dev_t, ino_t>, std::string> linked_;  // the first name of a file with several
};

}  // namespace diatom::image
