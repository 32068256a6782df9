// To one who is told of the machine's log. Thread side: one thread; each call blocks, with a deadline. SIGPIPE
// must be ignored: OpenSSL writes to sockets as to files.
// Source: RFC 5426 (a datagram each), RFC 6587 3.4.1 (octet counting), RFC 5425 (TLS).
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "base/fd.h"
#include "journal/settings.h"

namespace diatom::journal {

class Connection {
public:
    // `authorities`: a PEM file of those who may vouch for the receiver; empty: the machine's.
    static Result<std::unique_ptr<Connection>> open(const Receiver& receiver, const std::string& authorities = {});
    virtual ~Connection() = default;

    // One message, framed as the transport wants it.
    virtual Result<void> send(std::string_view message) = 0;
    // What was sent has reached the receiver's machine, as far as one can know.
    virtual Result<void> await_delivery() = 0;
    // unavailable: it has gone. To be asked when fd() is readable.
    virtual Result<void> check() = 0;
    virtual FdRef fd() const = 0;
    virtual std::size_t max_message() const = 0;  // bytes
};

}  // namespace diatom::journal
