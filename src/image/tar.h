// Tar archives as a sequence of checked entries. Source: POSIX.1-2017 pax, GNU tar's extensions (long names, sparse
// files), OCI image-spec 1.1 layer.md. The format is libarchive's business; which names are allowed is decided here.
// Thread side: the caller's.
#pragma once

#include <sys/types.h>
#include <time.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "image/byte_source.h"

namespace diatom::image {

enum class EntryType : std::uint8_t { file, directory, symlink, hardlink, character_device, block_device, fifo };

struct TarEntry {
    std::string path;  // relative, without "", ".", "..": empty for the root itself
    EntryType type = EntryType::file;
    mode_t mode = 0;  // permission, set-id and sticky bits only
    uid_t uid = 0;
    gid_t gid = 0;
    timespec mtime{};
    std::uint64_t size = 0;
    std::string link;  // symlink: verbatim; hard link: checked like path
    dev_t device = 0;
    std::vector<std::pair<std::string, std::string>> xattrs;
};

class TarSink {
public:
    virtual ~TarSink() = default;
    virtual Result<void> begin(const TarEntry& entry) = 0;
    // Of a file, at rising offsets; what lies between is a hole.
    virtual Result<void> data(std::uint64_t offset, std::string_view bytes) = 0;
    virtual Result<void> end(const TarEntry& entry) = 0;
};

// "./a//b/" -> "a/b". A ".." or a NUL is refused; a leading "/" means the root of the image.
Result<std::string> normal_path(std::string_view name);

// Reads to the end of the archive, then the source to its end. A damaged or truncated archive is Kind::corrupt, a
// hostile name Kind::invalid. `cancelled` is looked at between entries and between pieces of a file.
Result<void> read_tar(ByteSource& source, TarSink& sink, const std::atomic<bool>* cancelled = nullptr);

}  // namespace diatom::image
