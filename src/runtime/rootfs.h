// A container's view of the file system, built in its own mount namespace. Thread side: the init of a container.
//
//   clone bind sources ─> stop propagation to the host ─> mount the root ─> mounts (sysctls through our own /proc)
//   ─> devices ─> masked and read-only paths      …terminal, working directory…      ─> seal: read-only, pivot_root
//
// Nothing inside the root is touched by path: targets.h says how.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "runtime/mount_options.h"
#include "runtime/spec.h"

namespace diatom::runtime {

class RootFs {
public:
    // What is found by paths of the host's: while we are the host's user still, who may go where a user namespace's may
    // not. `spec` must outlive it. `id_mapped`: the trees of idmapped mounts by their place in spec.mounts, made where
    // the right to do so was (id_map.h); they are taken.
    static Result<RootFs> open(const Spec& spec, std::map<std::size_t, Fd>& id_mapped);
    // Everything but the sealing.
    Result<void> build();

    FdRef root() const noexcept { return root_; }
    // Makes the root read-only where asked for and leaves the host's tree behind.
    Result<void> seal();
    // When the container does not come to be: a mount namespace that was there before it keeps nothing of it.
    void take_back() const noexcept;

private:
    struct Source {
        const Mount* mount = nullptr;
        MountOptions options;
        Fd tree;  // bind mounts: the detached copy
    };

    explicit RootFs(const Spec& spec) : spec_(&spec) {}
    Result<void> collect_sources(std::map<std::size_t, Fd>& id_mapped);
    Result<void> stop_propagation() const;
    Result<void> mount_root();
    Result<void> mount_all();
    Result<void> mount_one(Source& source);
    Result<Fd> make_file_system(const Source& source) const;
    Result<Fd> make_copied_up(Source& source) const;
    Result<void> write_sysctls(FdRef procfs);
    bool owns_dev() const;

    const Spec* spec_;
    std::vector<Source> sources_;
    Fd place_;  // where the root's mount goes
    Fd root_;
    bool sysctls_written_ = false;
};

// devices.cpp: nodes and links of /dev. `bind_nodes`: in a user namespace, where mknod fails, the host's are bound.
Result<void> make_devices(FdRef root, const std::vector<Device>& devices, bool bind_nodes);
Result<void> make_device_links(FdRef root);

// mask.cpp: hides paths and makes paths read-only; missing ones are no error.
Result<void> mask_paths(FdRef root, const std::vector<std::string>& paths);
Result<void> protect_paths(FdRef root, const std::vector<std::string>& paths);

// sysctl.cpp: only what the container's own namespaces hold may be set.
Result<void> set_sysctls(FdRef procfs, const Spec& spec);

}  // namespace diatom::runtime
