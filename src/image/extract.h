// Unpacks an archive below one directory, whatever the archive says.
//
// Every name is resolved with openat2(RESOLVE_IN_ROOT) from the directory, so that links in the archive cannot lead out
// of it; names with ".." are refused. The bytes that may be written are bounded by the disk's free space, of which a
// twentieth of the disk, 64 MiB at most, stays; how far an archive may inflate is bounded by its source (InflateLimit
// of byte_source.h). (CVE-2014-9356, CVE-2018-15664, CVE-2019-14271 are of this class). Thread side: one thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/fd.h"
#include "image/tar.h"

namespace diatom::image {

enum class Whiteouts {
    overlay,  // ".wh.NAME" becomes overlayfs's 0:0 character device, ".wh..wh..opq" the opaque attribute
    literal,  // no layer but an archive of images
};

struct ExtractLimits {
    std::string directory;  // whose file system must keep a reserve
    std::uint64_t max_entries = 4'000'000;
    const std::atomic<bool>* cancelled = nullptr;
    // What becomes of an entry before anything else looks at it: another place or owner, an error, or nothing of it.
    std::function<Result<std::optional<TarEntry>>(const TarEntry&)> rewrite;
};

struct Extracted {
    std::uint64_t bytes = 0;  // of regular files
    std::uint64_t entries = 0;
};

Result<Extracted> extract_tar(ByteSource& source, FdRef root, Whiteouts whiteouts, const ExtractLimits& limits);

}  // namespace diatom::image
