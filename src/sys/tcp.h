// Stream connections of clients: TCP, and what is sent over them. Thread side: any.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/fd.h"

namespace diatom::sys {

// The first address of the host that answers. unavailable: none does.
Result<Fd> connect_tcp(const std::string& host, const std::string& port);

// A peer that has gone is an error (EPIPE), not SIGPIPE.
Result<void> send_all(FdRef socket, std::string_view bytes);

// No more will be sent; what comes is still read.
Result<void> shut_down_sending(FdRef socket);

}  // namespace diatom::sys
