// Netlink: requests, acknowledgements and dumps over one socket. Thread side: one thread at a time per socket; each
// call blocks until the kernel answered, which it does within the call that sent (rtnetlink and nfnetlink are
// synchronous).
//
// A socket belongs to the network namespace of the thread that opened it, for its whole life, whichever thread uses it
// afterwards: work in another namespace needs a thread there only for opening (net/namespace.h).
// Source: Documentation/userspace-api/netlink/intro.rst of Linux 6.12.
#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "net/address.h"

namespace diatom::net {

// One message being written. Attributes are appended; nest() ... end() encloses those between.
class Request {
public:
    Request(std::uint16_t type, std::uint16_t flags);

    // The fixed header that follows nlmsghdr (ifinfomsg, ifaddrmsg, ...); once, before any attribute.
    template <class T>
    Request& header(const T& value) {
        append(&value, sizeof value);
        return *this;
    }
    Request& put(std::uint16_t attribute, const void* data, std::size_t size);
    Request& put_u8(std::uint16_t attribute, std::uint8_t value) { return put(attribute, &value, sizeof value); }
    Request& put_u16(std::uint16_t attribute, std::uint16_t value) { return put(attribute, &value, sizeof value); }
    Request& put_u32(std::uint16_t attribute, std::uint32_t value) { return put(attribute, &value, sizeof value); }
    Request& put_text(std::uint16_t attribute, std::string_view value);  // with its terminating zero
    Request& put_address(std::uint16_t attribute, const Address& value);

    std::size_t nest(std::uint16_t attribute);
    // Appends bytes without an attribute header: the ifinfomsg inside VETH_INFO_PEER.
    Request& append(const void* data, std::size_t size);
    void end(std::size_t nest);

    std::string_view bytes(std::uint32_t sequence);  // finished, valid until the next change
    std::uint16_t flags() const noexcept;

private:
    std::vector<char> buffer_;
};

class NetlinkSocket {
public:
    // `protocol`: NETLINK_ROUTE, NETLINK_NETFILTER.
    static Result<NetlinkSocket> open(int protocol);

    // Sends and waits for the acknowledgement. The error carries the kernel's own text (NLMSGERR_ATTR_MSG, Linux 4.12).
    Result<void> call(Request& request);
    // A dump, or a single answer; `each` gets every message of it.
    using Each = std::function<void(const nlmsghdr&)>;
    Result<void> query(Request& request, const Each& each);
    // Messages that are one transaction, laid out by the caller. Only the one numbered `last` asks for an
    // acknowledgement; the first error of any of them is the result.
    Result<void> call_batch(std::string_view bytes, std::uint32_t last, std::size_t messages);

    std::uint32_t next_sequence() noexcept { return ++sequence_; }
    // By which the kernel names this socket in notifications; given with the first message that it sends.
    Result<std::uint32_t> port() const;
    std::uint64_t sent() const noexcept { return sent_; }  // messages, ever: what a change costs, for tests

private:
    explicit NetlinkSocket(Fd fd) : fd_(std::move(fd)) {}
    Result<void> send(std::string_view bytes);
    Result<std::size_t> receive(bool wait);
    void drain() noexcept;

    Fd fd_;
    std::vector<char> buffer_;
    std::uint32_t sequence_ = 0;
    std::uint64_t sent_ = 0;
};

}  // namespace diatom::net
