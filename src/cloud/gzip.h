// gzip (RFC 1952, any number of members) in memory. Thread side: any.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace diatom::cloud {

bool is_gzip(std::string_view bytes) noexcept;

// corrupt: damaged or cut short; exhausted: more than `most` bytes come out.
Result<std::string> gunzip(std::string_view bytes, std::size_t most);

}  // namespace diatom::cloud
