#include "net/netlink.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "net/attributes.h"
#include "sys/retry.h"

namespace diatom::net {
namespace {

// Room for the largest message of a dump: the kernel sizes its messages after the buffer, 32 KiB at most.
constexpr std::size_t kReceiveBytes = 32U << 10U;

nlmsghdr* message_of(std::vector<char>& buffer) { return reinterpret_cast<nlmsghdr*>(buffer.data()); }

// The text that the kernel adds to an error, empty when it gave none.
std::string kernel_text(const nlmsghdr& message) {
    if ((message.nlmsg_flags & NLM_F_ACK_TLVS) == 0) return {};
    const auto* error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(&message));
    std::size_t offset = sizeof *error;
    // Without NETLINK_CAP_ACK the request itself stands between the error and its attributes.
    if ((message.nlmsg_flags & NLM_F_CAPPED) == 0) offset += error->msg.nlmsg_len - sizeof error->msg;
    std::string text;
    for_each_attribute(message, offset, [&](const nlattr& attribute) {
        if (mnl_attr_get_type(&attribute) == NLMSGERR_ATTR_MSG &&
            mnl_attr_validate(&attribute, MNL_TYPE_NUL_STRING) == 0) {
            text = mnl_attr_get_str(&attribute);
        }
    });
    return text;
}

Result<void> result_of(const nlmsghdr& message) {
    if (mnl_nlmsg_get_payload_len(&message) < sizeof(nlmsgerr))
        return fail(Kind::corrupt, "netlink answer is cut short");
    const int error = -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(&message))->error;
    if (error == 0) return {};
    const std::string text = kernel_text(message);
    return text.empty() ? fail_errno(error, "kernel refused") : fail_errno(error, "kernel refused ({})", text);
}

// A dump that fails after its first message says so in NLMSG_DONE.
Result<void> result_of_dump(const nlmsghdr& message) {
    int error = 0;
    if (mnl_nlmsg_get_payload_len(&message) >= sizeof error) {
        std::memcpy(&error, mnl_nlmsg_get_payload(&message), sizeof error);
    }
    if (error < 0) return fail_errno(-error, "kernel broke off its list");
    return {};
}

}  // namespace

Request::Request(std::uint16_t type, std::uint16_t flags) {
    nlmsghdr header{};
    header.nlmsg_type = type;
    header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    append(&header, sizeof header);
}

Request& Request::append(const void* data, std::size_t size) {
    const auto* bytes = static_cast<const char*>(data);
    buffer_.insert(buffer_.end(), bytes, bytes + size);
    buffer_.resize(MNL_ALIGN(buffer_.size()));
    return *this;
}

Request& Request::put(std::uint16_t attribute, const void* data, std::size_t size) {
    nlattr header{};
    header.nla_type = attribute;
    header.nla_len = static_cast<std::uint16_t>(sizeof header + size);
    append(&header, sizeof header);
    return append(data, size);
}

Request& Request::put_text(std::uint16_t attribute, std::string_view value) {
    const std::string copy(value);
    return put(attribute, copy.c_str(), copy.size() + 1);
}

Request& Request::put_address(std::uint16_t attribute, const Address& value) {
    return put(attribute, value.bytes(), value.size());
}

std::size_t Request::nest(std::uint16_t attribute) {
    const std::size_t start = buffer_.size();
    put(static_cast<std::uint16_t>(attribute | NLA_F_NESTED), nullptr, 0);
    return start;
}

void Request::end(std::size_t nest) {
    const auto size = static_cast<std::uint16_t>(buffer_.size() - nest);
    std::memcpy(buffer_.data() + nest + offsetof(nlattr, nla_len), &size, sizeof size);
}

std::string_view Request::bytes(std::uint32_t sequence) {
    message_of(buffer_)->nlmsg_len = static_cast<std::uint32_t>(buffer_.size());
    message_of(buffer_)->nlmsg_seq = sequence;
    return {buffer_.data(), buffer_.size()};
}

std::uint16_t Request::flags() const noexcept { return reinterpret_cast<const nlmsghdr*>(buffer_.data())->nlmsg_flags; }

Result<NetlinkSocket> NetlinkSocket::open(int protocol) {
    NetlinkSocket socket(Fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol)));
    if (!socket.fd_) return fail_errno(errno, "open a netlink socket (protocol {})", protocol);
    const int on = 1;
    for (const int option : {NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK}) {
        // Kernels before 4.20 lack the last: dumps are then filtered here only.
        ::setsockopt(socket.fd_.raw(), SOL_NETLINK, option, &on, sizeof on);
    }
    socket.buffer_.resize(kReceiveBytes);
    return socket;
}

Result<void> NetlinkSocket::send(std::string_view bytes) {
    // A message larger than the send buffer is refused, not split; FORCE passes net.core.wmem_max (CAP_NET_ADMIN).
    if (constexpr std::size_t usual = 64U << 10U; bytes.size() > usual) {
        const int size = static_cast<int>(bytes.size());
        ::setsockopt(fd_.raw(), SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
    }
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    const auto n = sys::retry_interrupted([&] {
        return ::sendto(fd_.raw(), bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&kernel),
                        sizeof kernel);
    });
    if (n < 0) return fail_errno(errno, "send {} bytes to the kernel", bytes.size());
    return {};
}

Result<std::uint32_t> NetlinkSocket::port() const {
    sockaddr_nl name{};
    socklen_t size = sizeof name;
    if (::getsockname(fd_.raw(), reinterpret_cast<sockaddr*>(&name), &size) != 0)
        return fail_errno(errno, "name a netlink socket");
    return name.nl_pid;
}

Result<std::size_t> NetlinkSocket::receive(bool wait) {
    const auto n = sys::retry_interrupted(
        [&] { return ::recv(fd_.raw(), buffer_.data(), buffer_.size(), MSG_TRUNC | (wait ? 0 : MSG_DONTWAIT)); });
    if (n < 0) return fail_errno(errno, "receive the kernel's answer");
    if (static_cast<std::size_t>(n) > buffer_.size())
        return fail(Kind::corrupt, "netlink answer of {} bytes was cut", n);
    return static_cast<std::size_t>(n);
}

// What is left of an answer that nobody waits for must not be taken for the answer to the next request.
void NetlinkSocket::drain() noexcept {
    while (::recv(fd_.raw(), buffer_.data(), buffer_.size(), MSG_DONTWAIT) >= 0 || errno == EINTR) {}
}

Result<void> NetlinkSocket::call(Request& request) {
    const auto sequence = next_sequence();
    return call_batch(request.bytes(sequence), sequence, 1);
}

Result<void> NetlinkSocket::call_batch(std::string_view bytes, std::uint32_t last, std::size_t messages) {
    sent_ += messages;
    TRY(send(bytes));
    for (;;) {
        int left = static_cast<int>(TRY(receive(true)));
        for (auto* message = message_of(buffer_); mnl_nlmsg_ok(message, left);
             message = mnl_nlmsg_next(message, &left)) {
            if (message->nlmsg_type != NLMSG_ERROR) continue;
            auto result = result_of(*message);
            const bool done = message->nlmsg_seq == last;
            if (!result) drain();
            if (!result || done) return result;
        }
    }
}

Result<void> NetlinkSocket::query(Request& request, const Each& each) {
    const auto sequence = next_sequence();
    const bool dump = (request.flags() & NLM_F_DUMP) == NLM_F_DUMP;
    ++sent_;
    TRY(send(request.bytes(sequence)));
    for (;;) {
        int left = static_cast<int>(TRY(receive(true)));
        for (auto* message = message_of(buffer_); mnl_nlmsg_ok(message, left);
             message = mnl_nlmsg_next(message, &left)) {
            if (message->nlmsg_seq != sequence) continue;
            if (message->nlmsg_type == NLMSG_DONE) return result_of_dump(*message);
            if (message->nlmsg_type == NLMSG_ERROR) return result_of(*message);
            each(*message);
            if (!dump) return {};
        }
    }
}

}  // namespace diatom::net
