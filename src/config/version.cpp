#include "config/version.h"

#include "base/strings.h"
#include "sys/file.h"

namespace diatom::config {

std::string version() {
    const auto text = sys::read_file("/usr/share/diatom/version", 256);
    return text && !trim(*text).empty() ? std::string(trim(*text)) : "0.1.0-dev";
}

}  // namespace diatom::config
