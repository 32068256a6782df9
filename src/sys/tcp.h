// TCP connections of clients. Thread side: any.
#pragma once

#include <string>

#include "base/error.h"
#include "base/fd.h"

namespace diatom::sys {

// The first address of the host that answers. unavailable: none does.
Result<Fd> connect_tcp(const std::string& host, const std::string& port);

// No more will be sent; what comes is still read.
Result<void> shut_down_sending(FdRef socket);

}  // namespace diatom::sys
