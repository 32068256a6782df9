// Unix sockets with descriptors attached. Thread side: any.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/fd.h"

namespace diatom::sys {

enum class SocketType { stream, datagram, packet };

Result<std::pair<Fd, Fd>> socket_pair(SocketType type);
// Binds and (unless datagram) listens. A stale socket file is removed; the file gets `mode`.
Result<Fd> listen_unix(const std::string& path, SocketType type, unsigned mode, int backlog = 128);
Result<Fd> connect_unix(const std::string& path, SocketType type);
Result<Fd> accept_unix(FdRef listener, bool nonblocking = false);

struct Message {
    std::string bytes;
    std::vector<Fd> fds;
    int sender_pid = 0, sender_uid = -1;  // filled where SO_PASSCRED is set
};
inline constexpr std::size_t kMaxMessage = 256U << 10U;  // bytes; longer ones are refused, never cut
inline constexpr std::size_t kMaxFds = 64;

Result<void> send_message(FdRef socket, std::string_view bytes, const std::vector<FdRef>& fds = {});
// An empty Message (no bytes) means that the peer closed. On a non-blocking socket without data: Kind::unavailable.
Result<Message> receive_message(FdRef socket);

Result<void> set_nonblocking(FdRef fd, bool on = true);
Result<void> set_receive_timeout(FdRef socket, int milliseconds);
Result<std::pair<Fd, Fd>> make_pipe();  // read end, write end
struct Terminal {
    Fd master;
    std::string name;  // /dev/pts/N
};
Result<Terminal> open_terminal();  // in the caller's devpts
Result<void> set_terminal_size(FdRef terminal, unsigned short rows, unsigned short columns);

}  // namespace diatom::sys
