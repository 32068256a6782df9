#include "config/version.h"

#include "base/strings.h"
#include "sys/file.h"

namespace diatom::config {

Release release() {
    Release release{.version = "0.1.0-dev", .commit = {}, .built = {}};
    const auto text = sys::read_file("/usr/share/diatom/version", 256);
    if (!text) return release;
    const auto lines = split(*text, '\n');
    if (!lines[0].empty()) release.version = lines[0];
    if (lines.size() > 2) {
        release.commit = lines[1];
        release.built = lines[2];
    }
    return release;
}

std::string version() { return release().version; }

}  // namespace diatom::config
