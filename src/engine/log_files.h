// The files of a container's log: PATH, and what was rotated out of it, PATH.1 the next older one; PATH.1.gz when it is
// kept compressed. Compression takes its time, and a log may be rotated again meanwhile: what is compressed has no name
// until it stands in the place that its file has by then.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/fd.h"

namespace diatom::engine {

inline constexpr const char* kCompressedSuffix = ".gz";

std::string log_file(const std::string& path, std::uint64_t age);  // age 0: the current one
// Moves every file on by one place, so that PATH is free. At most `max_files` stay, PATH counted.
Result<void> shift_log_files(const std::string& path, unsigned max_files);

// On a worker; blocks. A file without a name, in `directory`.
Result<Fd> compress_log(FdRef plain, const std::string& directory);
// Puts it in the place of the file of that age. not_found: that has been rotated out.
Result<void> install_compressed(FdRef compressed, const std::string& path, std::uint64_t age);

// What readers see of compressed files: copies, made when one is come to, which go with their reader.
// Thread side: one thread at a time.
class LogCopies {
public:
    using File = std::shared_ptr<const Fd>;
    // The file at `path`. unavailable and wanting(): it is compressed, and make() comes first.
    Result<File> open(const std::string& path);
    bool wanting() const noexcept { return wanted_.has_value(); }
    Result<void> make();          // on a worker; blocks
    void drop(const File& file);  // it has been read

private:
    struct Wanted {
        Fd compressed;
        std::string directory;
        std::uint64_t inode = 0;
    };
    std::optional<Wanted> wanted_;
    std::map<std::uint64_t, File> copies_;  // by the inode of the compressed file: its name changes
};

}  // namespace diatom::engine
