// A name server for tests: whatever name is asked for has the address 192.0.2.53, and no other record. Prints the type
// and the name of each question.
//   name_server [PORT]
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

constexpr std::size_t kHeader = 12;

// Where the question ends; 0 for what is no query.
std::size_t read_question(const std::string& query, std::string& name) {
    std::size_t at = kHeader;
    while (at < query.size() && query[at] != 0) {
        const std::size_t label = static_cast<unsigned char>(query[at]);
        if (label > 63 || at + 1 + label >= query.size()) return 0;
        if (!name.empty()) name += '.';
        name.append(query, at + 1, label);
        at += 1 + label;
    }
    return at + 5 <= query.size() ? at + 5 : 0;
}

}  // namespace

int main(int argc, char** argv) {
    const int socket = ::socket(AF_INET6, SOCK_DGRAM, 0);
    sockaddr_in6 here{};
    here.sin6_family = AF_INET6;
    here.sin6_port = htons(static_cast<unsigned short>(argc > 1 ? std::atoi(argv[1]) : 53));
    if (::bind(socket, reinterpret_cast<sockaddr*>(&here), sizeof here) != 0) {
        std::perror("bind");
        return 1;
    }
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    std::puts("ready");
    for (;;) {
        std::string query(512, '\0');
        sockaddr_in6 peer{};
        socklen_t size = sizeof peer;
        const auto got = ::recvfrom(socket, query.data(), query.size(), 0, reinterpret_cast<sockaddr*>(&peer), &size);
        if (got < static_cast<ssize_t>(kHeader)) continue;
        query.resize(static_cast<std::size_t>(got));
        std::string name;
        const auto end = read_question(query, name);
        if (end == 0) continue;
        const unsigned type = static_cast<unsigned char>(query[end - 3]);
        std::printf("%u %s\n", type, name.c_str());
        std::string answer = query.substr(0, end);
        answer[2] = static_cast<char>(0x81);
        answer[3] = static_cast<char>(0x80);
        for (std::size_t i = 6; i < kHeader; ++i) answer[i] = 0;
        if (type == 1) {
            answer[7] = 1;
            answer += std::string("\xc0\x0c\0\1\0\1\0\0\0\0\0\4\xc0\0\2\x35", 16);
        }
        ::sendto(socket, answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&peer), size);
    }
}
