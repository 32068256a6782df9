// The option words of a mount as the new mount API takes them. Thread side: any.
// Source: runtime-spec config-linux "Linux mount options"; mount_setattr(2).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "runtime/spec.h"
#include "sys/mount.h"

namespace diatom::runtime {

struct MountOptions {
    enum class Bind { none, single, recursive };
    Bind bind = Bind::none;
    sys::MountChange own;        // of the mount itself
    sys::MountChange recursive;  // of it and all below ("rro"): set and clear only
    std::uint64_t propagation = 0;
    bool propagation_recursive = false;
    std::vector<sys::FsOption> data;  // for the file system
    enum class IdMap { none, single, recursive };
    IdMap id_map = IdMap::none;
    bool copy_up = false;  // tmpfs: begins with what it covers

    bool changes_recursively() const noexcept { return recursive.set != 0 || recursive.clear != 0; }
};

// unsupported, by name: options of the runtime-spec that this version does not honour.
Result<MountOptions> parse_mount_options(const Mount& mount);

// Every word that is no file system's own.
std::vector<std::string> mount_option_words();

// "rslave" and so on: MS_SLAVE with recursion. invalid: no such word.
struct Propagation {
    std::uint64_t type = 0;
    bool recursive = false;
};
Result<Propagation> parse_propagation(std::string_view word);

}  // namespace diatom::runtime
