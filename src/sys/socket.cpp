#include "sys/socket.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "base/strings.h"
#include "sys/file.h"
#include "sys/retry.h"

namespace diatom::sys {
namespace {

int kernel_type(SocketType type) noexcept {
    switch (type) {
        case SocketType::stream: return SOCK_STREAM;
        case SocketType::datagram: return SOCK_DGRAM;
        case SocketType::packet: return SOCK_SEQPACKET;
    }
    return SOCK_STREAM;
}

// The default send buffer (212992 bytes) is smaller than kMaxMessage; the kernel doubles what is asked for.
void widen(FdRef socket) noexcept {
    const int bytes = static_cast<int>(kMaxMessage);
    ::setsockopt(socket.raw(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

// A path too long for sockaddr_un goes through its directory's entry in /proc.
struct Address {
    sockaddr_un name{};
    Fd directory;
    const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&name); }
};

Result<Address> make_address(const std::string& path) {
    Address address;
    address.name.sun_family = AF_UNIX;
    std::string text = path;
    if (text.size() >= sizeof address.name.sun_path) {
        const auto slash = path.rfind('/');
        if (slash != std::string::npos) {
            address.directory = TRY(open_path(path.substr(0, slash + 1), O_PATH | O_DIRECTORY));
            text = std::format("/proc/self/fd/{}/{}", address.directory.raw(), path.substr(slash + 1));
        }
    }
    if (text.empty() || text.size() >= sizeof address.name.sun_path || text.contains('\0')) {
        return fail(Kind::invalid, "socket path \"{}\" is empty or too long", path);
    }
    std::ranges::copy(text, address.name.sun_path);
    return address;
}

Result<Fd> make_socket(SocketType type) {
    Fd fd(::socket(AF_UNIX, kernel_type(type) | SOCK_CLOEXEC, 0));
    if (!fd) return fail_errno(errno, "make a socket");
    widen(fd);
    return fd;
}

// Removes a socket file that nobody answers behind. Anything else at that path stays, and binding reports it.
Result<void> remove_stale(const std::string& path, SocketType type) {
    struct stat status{};
    if (::lstat(path.c_str(), &status) < 0 || !S_ISSOCK(status.st_mode)) return {};
    if (connect_unix(path, type)) {
        return fail(Kind::conflict, "listen on {}: another process listens there already", path);
    }
    return remove_file(path);
}

// The descriptors and credentials that came with a message.
Result<void> take_control(msghdr& header, Message& message) {
    for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
        if (part->cmsg_level != SOL_SOCKET) continue;
        if (part->cmsg_type == SCM_RIGHTS) {
            const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            for (std::size_t i = 0; i < count; ++i) {
                int number = -1;
                std::memcpy(&number, CMSG_DATA(part) + i * sizeof number, sizeof number);
                message.fds.emplace_back(number);
            }
        } else if (part->cmsg_type == SCM_CREDENTIALS) {
            ucred sender{};
            std::memcpy(&sender, CMSG_DATA(part), sizeof sender);
            message.sender_pid = sender.pid;
            message.sender_uid = static_cast<int>(sender.uid);
        }
    }
    if ((header.msg_flags & MSG_CTRUNC) != 0) {
        message.fds.clear();  // at once: descriptors are what this process has too few of
        return fail(Kind::exhausted,
                    "receive: not all attached descriptors fitted (at most {}, and no more than this "
                    "process may open)",
                    kMaxFds);
    }
    return {};
}

}  // namespace

Result<std::pair<Fd, Fd>> socket_pair(SocketType type) {
    int ends[2];
    if (::socketpair(AF_UNIX, kernel_type(type) | SOCK_CLOEXEC, 0, ends) < 0)
        return fail_errno(errno, "make a socket pair");
    std::pair<Fd, Fd> pair{Fd(ends[0]), Fd(ends[1])};
    widen(pair.first);
    widen(pair.second);
    return pair;
}

Result<Fd> listen_unix(const std::string& path, SocketType type, unsigned mode, int backlog) {
    TRY(remove_stale(path, type));
    const auto address = TRY(make_address(path), "listen");
    auto fd = TRY(make_socket(type));
    // The file takes its mode from the socket when it is bound, so it is never open wider; chmod undoes the umask.
    if (::fchmod(fd.raw(), mode) < 0) return fail_errno(errno, "set the mode of {}", path);
    if (::bind(fd.raw(), address.get(), sizeof address.name) < 0) return fail_errno(errno, "listen on {}", path);
    if (::chmod(path.c_str(), mode) < 0) return fail_errno(errno, "set the mode of {}", path);
    if (type != SocketType::datagram && ::listen(fd.raw(), backlog) < 0) return fail_errno(errno, "listen on {}", path);
    return fd;
}

Result<Fd> connect_unix(const std::string& path, SocketType type) {
    const auto address = TRY(make_address(path), "connect");
    auto fd = TRY(make_socket(type));
    if (retry_interrupted([&] { return ::connect(fd.raw(), address.get(), sizeof address.name); }) < 0) {
        return fail_errno(errno, "connect to {}", path);
    }
    return fd;
}

Result<Fd> accept_unix(FdRef listener, bool nonblocking) {
    const int flags = SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0);
    Fd fd(retry_interrupted([&] { return ::accept4(listener.raw(), nullptr, nullptr, flags); }));
    if (!fd) return fail_errno(errno, "accept a connection");
    widen(fd);
    return fd;
}

Result<void> send_message(FdRef socket, std::string_view bytes, const std::vector<FdRef>& fds) {
    if (bytes.empty()) return fail(Kind::bug, "send: an empty message would read as the end of the connection");
    if (bytes.size() > kMaxMessage) {
        return fail(Kind::invalid, "send: the message has {} bytes, at most {} are allowed", bytes.size(), kMaxMessage);
    }
    if (fds.size() > kMaxFds) {
        return fail(Kind::invalid, "send: {} descriptors with one message, at most {} are allowed", fds.size(),
                    kMaxFds);
    }
    alignas(cmsghdr) char control[CMSG_SPACE(kMaxFds * sizeof(int))] = {};
    msghdr header{};
    if (!fds.empty()) {
        header.msg_control = control;
        header.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
        cmsghdr* part = CMSG_FIRSTHDR(&header);
        part->cmsg_level = SOL_SOCKET;
        part->cmsg_type = SCM_RIGHTS;
        part->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
        for (std::size_t i = 0; i < fds.size(); ++i) {
            const int number = fds[i].raw();
            std::memcpy(CMSG_DATA(part) + i * sizeof number, &number, sizeof number);
        }
    }
    while (!bytes.empty()) {  // a stream may take it in parts
        iovec part{const_cast<char*>(bytes.data()), bytes.size()};
        header.msg_iov = &part;
        header.msg_iovlen = 1;
        const ssize_t sent = retry_interrupted([&] { return ::sendmsg(socket.raw(), &header, MSG_NOSIGNAL); });
        if (sent < 0) return fail_errno(errno, "send {} bytes", bytes.size());
        bytes.remove_prefix(static_cast<std::size_t>(sent));
        header.msg_control = nullptr;
        header.msg_controllen = 0;
    }
    return {};
}

Result<Message> receive_message(FdRef socket) {
    const auto buffer = std::make_unique_for_overwrite<char[]>(kMaxMessage);
    alignas(cmsghdr) char control[CMSG_SPACE(kMaxFds * sizeof(int)) + CMSG_SPACE(sizeof(ucred))] = {};
    iovec part{buffer.get(), kMaxMessage};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    const ssize_t got = retry_interrupted([&] { return ::recvmsg(socket.raw(), &header, MSG_CMSG_CLOEXEC); });
    if (got < 0) return fail_errno(errno, "receive");
    Message message;
    TRY(take_control(header, message));
    if ((header.msg_flags & MSG_TRUNC) != 0) {
        return fail(Kind::invalid, "receive: the message is longer than {} bytes", kMaxMessage);
    }
    message.bytes.assign(buffer.get(), static_cast<std::size_t>(got));
    return message;
}

Result<void> set_nonblocking(FdRef fd, bool on) {
    const int flags = ::fcntl(fd.raw(), F_GETFL);
    if (flags < 0) return fail_errno(errno, "read descriptor flags");
    if (::fcntl(fd.raw(), F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK) < 0) {
        return fail_errno(errno, "set descriptor flags");
    }
    return {};
}

Result<void> set_receive_timeout(FdRef socket, int milliseconds) {
    const timeval time{milliseconds / 1000, (milliseconds % 1000) * 1000};
    if (::setsockopt(socket.raw(), SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) < 0) {
        return fail_errno(errno, "set the receive timeout");
    }
    return {};
}

Result<std::pair<Fd, Fd>> make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0) return fail_errno(errno, "make a pipe");
    return std::pair{Fd(ends[0]), Fd(ends[1])};
}

Result<Terminal> open_terminal() {
    auto master = TRY(open_path("/dev/ptmx", O_RDWR | O_NOCTTY), "open a terminal");
    const int locked = 0;
    unsigned number = 0;
    if (::ioctl(master.raw(), TIOCSPTLCK, &locked) < 0) return fail_errno(errno, "unlock a terminal");
    if (::ioctl(master.raw(), TIOCGPTN, &number) < 0) return fail_errno(errno, "number of a terminal");
    return Terminal{std::move(master), std::format("/dev/pts/{}", number)};
}

Result<void> set_terminal_size(FdRef terminal, unsigned short rows, unsigned short columns) {
    const winsize size{rows, columns, 0, 0};
    if (::ioctl(terminal.raw(), TIOCSWINSZ, &size) < 0) return fail_errno(errno, "resize a terminal");
    return {};
}

}  // namespace diatom::sys
