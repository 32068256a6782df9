// Which OS this is: /usr/share/diatom/version of the running image, as image/diatom_image/rootfs.py writes it.
#pragma once

#include <string>

namespace diatom::config {

struct Release {
    std::string version;  // "0.1.0-dev" outside an image
    std::string commit;   // of the source; empty where it was not built from a repository
    std::string built;    // RFC 3339; the time of the commit, so that the same source gives the same bytes
};
Release release();
std::string version();

}  // namespace diatom::config
