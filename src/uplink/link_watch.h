// Tells when links or addresses change (rtnetlink's notifications). What containers do with theirs tells nothing: a
// veth, and what is on it, is an engine's. Thread side: one thread.
#pragma once

#include <set>
#include <vector>

#include "base/error.h"
#include "base/fd.h"

namespace diatom::uplink {

class LinkWatch {
public:
    static Result<LinkWatch> open();
    FdRef fd() const noexcept { return fd_; }  // readable when there is something to read
    // Reads what there is. True where a link that concerns us changed: one of `ours`, hardware, or one that is new.
    Result<bool> changed(const std::set<int>& ours);

private:
    explicit LinkWatch(Fd fd);
    Fd fd_;
    std::vector<char> buffer_;
};

}  // namespace diatom::uplink
