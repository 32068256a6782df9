// A record as a message of RFC 5424, as others are told. Thread side: any; pure.
#pragma once

#include <string>

#include "journal/print.h"

namespace diatom::journal {

// At most `limit` bytes: what is longer loses the end of its text. Control characters are written as "#012".
std::string format_syslog(const Record& record, const Host& host, std::size_t limit);

}  // namespace diatom::journal
