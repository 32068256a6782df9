// Names and ids of containers. Thread side: any.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace diatom::engine {

std::string random_id();    // 64 hex digits
std::string random_name();  // "quiet_darwin": an adjective and a naturalist's surname
// Docker's rule: [a-zA-Z0-9][a-zA-Z0-9_.-]+. A leading slash is taken away.
Result<std::string> check_name(std::string_view name, std::string_view what);
bool is_id_prefix(std::string_view text);  // hex digits only, at most 64
bool is_id(std::string_view text);         // 64 of them

}  // namespace diatom::engine
