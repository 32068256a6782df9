// data: URLs. Source: RFC 2397. Thread side: any.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace diatom::ignition {

// "https" of https://example.com, in lower case; empty where there is none.
std::string url_scheme(std::string_view url);

// The bytes of "data:[TYPE][;base64],DATA". The URL never stands in an error: it is what it says.
Result<std::string> decode_data_url(std::string_view url);

std::string encode_data_url(std::string_view bytes);

}  // namespace diatom::ignition
