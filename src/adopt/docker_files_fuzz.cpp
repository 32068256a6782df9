// What Docker left on a disk, as a disk may give it back: the first byte says as which document the rest is read.
// Nothing crashes, nothing goes round for ever, and what is wrong is said.
#include <cstdint>
#include <cstdlib>

#include "adopt/bolt.h"
#include "adopt/docker_files.h"

namespace {

using namespace diatom;

template <class T>
void require(const Result<T>& read) {
    if (!read && read.error().what().empty()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0]) {
        case 'b': require(adopt::read_bolt_bucket(text, "volumes")); break;
        case 'm': require(adopt::read_volume_metadata(text)); break;
        case 'o': require(adopt::read_volume_options(text)); break;
        case 'c': require(adopt::read_container(text)); break;
        case 'i': require(adopt::read_image_names(text)); break;
        default: break;
    }
    return 0;
}
