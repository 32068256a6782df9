// Messages of several parts, as cloud-init and its make-mime write them. Untrusted input: depth and number of parts are
// bounded. Thread side: any; values. Source: RFC 2045 and 2046; what Python's email package forgives is forgiven, as
// cloud-init 25.2 reads with it (cloudinit/user_data.py).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace diatom::cloud {

inline constexpr int kMaxMimeDepth = 8;
inline constexpr std::size_t kMaxMimeParts = 256;

// A part that has a body: the tree of multiparts is walked already.
struct MimePart {
    std::vector<std::pair<std::string, std::string>> headers;  // names in lower case, values unfolded
    std::string type;                                          // "text/cloud-config"; "text/plain" where none is given
    std::string name;                                          // its file name, or nothing
    std::string body;                                          // base64 and quoted-printable undone
    std::uint32_t line = 1;                                    // of the message, on which the body begins
    bool is_verbatim = true;                                   // the body stands in the message as it is

    std::string_view header(std::string_view name) const;
};

// Whether cloud-init would take it for a message: it says MIME-Version in its first 4096 bytes.
bool is_mime(std::string_view bytes);

// invalid: an encoding that nobody knows, a multipart without boundary, more than the limits.
Result<std::vector<MimePart>> read_mime(std::string_view message);

}  // namespace diatom::cloud
