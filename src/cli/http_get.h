// One GET on an engine's Unix socket. Thread side: any; blocks for at most `timeout_ms`.
#pragma once

#include <string>

#include "base/json.h"

namespace diatom::cli {

// The body of a 200 answer, decoded. unavailable: nobody listens.
Result<Json> http_get(const std::string& socket, const std::string& target, int timeout_ms = 3000);

// The body of a raw HTTP/1.1 answer that ends with the connection.
Result<std::string> http_body(std::string_view answer);

}  // namespace diatom::cli
