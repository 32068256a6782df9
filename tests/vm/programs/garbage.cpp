// Says to PID 1's sockets whatever makes no sense, then asks it something sensible. Prints "answers" when it still
// does. Runs in a container with the machine's /run.    garbage INIT_SOCKET NOTIFY_SOCKET
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace {

int connect_to(const char* path, int type) {
    const int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    const timeval patience{10, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    const int room = 1 << 20;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
    if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

// With `count` descriptors that nobody asked for.
void send_with_fds(int fd, const std::string& bytes, int count) {
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    alignas(cmsghdr) char control[CMSG_SPACE(64 * sizeof(int))] = {};
    iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (count > 0) {
        const std::vector<int> fds(static_cast<std::size_t>(count), null);
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
        auto* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
        std::memcpy(CMSG_DATA(header), fds.data(), fds.size() * sizeof(int));
    }
    sendmsg(fd, &message, MSG_NOSIGNAL);
    close(null);
}

std::vector<std::string> malformed() {
    return {"{",
            "[]",
            "null",
            "5",
            "{}",
            "\xff\xfe",
            std::string(3, '\0'),
            R"({"op":5})",
            R"({"op":"dance"})",
            R"({"op":"power","how":"dance"})",
            R"({"op":"power"})",
            R"({"op":"power","how":["off"]})",
            R"({"op":"exit_of","pid":-1,"start_time":-1})",
            R"({"op":"exit_of","pid":1e300,"start_time":{}})",
            R"({"op":"parked","prefix":[],"after":{}})",
            R"({"op":"forget"})",
            R"({"op":"forget","prefix":""})",
            R"({"op":"mark"})",
            std::string(100'000, '['),
            R"({"op":")" + std::string(200'000, 'x') + "\"}",
            std::string(600'000, 'y')};
}

void one_by_one(const char* path, const std::vector<std::string>& packets) {
    for (const auto& packet : packets) {
        for (const int fds : {0, 1, 64}) {
            const int fd = connect_to(path, SOCK_SEQPACKET);
            send_with_fds(fd, packet, fds);
            char reply[65536];
            if (fds == 0) recv(fd, reply, sizeof reply, 0);  // the others leave without reading
            close(fd);
        }
    }
}

void noise(const char* init, const char* notify) {
    std::mt19937 chance(1);
    const int datagrams = connect_to(notify, SOCK_DGRAM);
    for (int i = 0; i < 500; ++i) {
        std::string bytes(chance() % 3000, '\0');
        for (auto& byte : bytes) byte = static_cast<char>(chance());
        const int fd = connect_to(init, SOCK_SEQPACKET);
        send_with_fds(fd, bytes, static_cast<int>(chance() % 4));
        close(fd);
        send_with_fds(datagrams, bytes, static_cast<int>(chance() % 4));
    }
    for (const auto* text :
         {"FDSTORE=1\nFDNAME=bad:name", "FDSTORE=1\nFDNAME=", "FDSTORE=1\nFDNAME=\x01", "READY=1", "WATCHDOG=1"})
        send_with_fds(datagrams, text, 3);
    close(datagrams);
}

// More clients than it takes, all at once; and one that asks and asks and never reads.
void crowd(const char* path) {
    std::vector<int> crowd;
    for (int i = 0; i < 300; ++i) crowd.push_back(connect_to(path, SOCK_SEQPACKET));
    for (const int fd : crowd) close(fd);
    const int deaf = connect_to(path, SOCK_SEQPACKET);
    for (int i = 0; i < 2000; ++i) send(deaf, R"({"op":"timeline"})", 17, MSG_NOSIGNAL | MSG_DONTWAIT);
    close(deaf);
}

bool answers(const char* path) {
    for (int attempt = 0; attempt < 100; ++attempt) {
        const int fd = connect_to(path, SOCK_SEQPACKET);
        char reply[65536] = {};
        const bool sent = send(fd, R"({"op":"status"})", 15, MSG_NOSIGNAL) == 15;
        const bool good =
            sent && recv(fd, reply, sizeof reply - 1, 0) > 0 && std::strstr(reply, "\"ok\":true") != nullptr;
        close(fd);
        if (good) return true;
        usleep(100'000);  // the crowd is on its way out
    }
    return false;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    one_by_one(argv[1], malformed());
    noise(argv[1], argv[2]);
    crowd(argv[1]);
    if (!answers(argv[1])) return 1;
    std::puts("answers");
    return 0;
}
