// Tells when another program changed our nftables table: flushed or deleted it, rules or elements of it. What others do
// to other tables, to the chain `user` or to chains and sets of their own in our table is not told; what the engine's
// own socket does never wakes anybody, for a filter in the kernel drops it. Thread side: one thread at a time; polling
// the descriptor elsewhere is fine. Source: nf_tables_api.c of Linux 6.12 (notifications carry the port of the socket
// whose change they tell of).
#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/fd.h"

namespace diatom::net {

class TableWatch {
public:
    // `own_port`: of the socket whose changes are not told (NetlinkSocket::port()).
    static Result<TableWatch> open(std::string table, std::uint32_t own_port);

    FdRef fd() const noexcept { return fd_; }  // readable: call changed()
    // Reads all that waits. True: the table may not be what we left, also when the kernel had to drop messages.
    Result<bool> changed();

private:
    TableWatch(std::string table, Fd fd);
    bool concerns_us(const nlmsghdr& message) const;

    std::string table_;
    Fd fd_;
    std::vector<char> buffer_;
};

}  // namespace diatom::net
