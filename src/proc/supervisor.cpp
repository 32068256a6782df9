#include "proc/supervisor.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cstdlib>

#include "sys/socket.h"

namespace diatom::proc {
namespace {

constexpr int kTimeoutMs = 5000;

// The kind under which PID 1 refused.
Kind kind_named(std::string_view name) {
    constexpr std::array kKinds{Kind::invalid,     Kind::not_found, Kind::conflict,  Kind::denied, Kind::unavailable,
                                Kind::unsupported, Kind::exhausted, Kind::timed_out, Kind::io};
    for (const Kind kind : kKinds) {
        if (to_string(kind) == name) return kind;
    }
    return Kind::io;
}

Result<Fd> connect(const std::string& path, sys::SocketType type) {
    auto socket = sys::connect_unix(path, type);
    if (!socket) {
        return fail(Kind::unavailable, "PID 1 of Diatom OS does not answer on {} ({}); is this machine running it?",
                    path, socket.error().what());
    }
    TRY(sys::set_receive_timeout(*socket, kTimeoutMs));
    const timeval time{kTimeoutMs / 1000, 0};
    ::setsockopt(socket->raw(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
    return socket;
}

std::string_view name_of(Power how) {
    switch (how) {
        case Power::off: return "off";
        case Power::reboot: return "reboot";
        case Power::halt: return "halt";
        case Power::kexec: return "kexec";
    }
    return "off";
}

}  // namespace

Result<void> Supervisor::notify(const std::string& state) const {
    const char* named = std::getenv("NOTIFY_SOCKET");
    const bool use_named = named != nullptr && *named == '/' && notify_socket_ == kNotifySocket;
    const auto socket = TRY(connect(use_named ? named : notify_socket_, sys::SocketType::datagram), "notify");
    return sys::send_message(socket, state);
}

Result<void> Supervisor::park(const std::string& name, FdRef fd) const {
    const auto socket = TRY(connect(notify_socket_, sys::SocketType::datagram), "park {}", name);
    return sys::send_message(socket, "FDSTORE=1\nFDNAME=" + name, {fd});
}

Result<void> Supervisor::forget(const std::string& name_prefix) const {
    TRY(call({{"op", "forget"}, {"prefix", name_prefix}}, {}, nullptr), "forget {}", name_prefix);
    return {};
}

Result<std::vector<StoredFd>> Supervisor::parked(const std::string& name_prefix) const {
    std::vector<StoredFd> stored;
    for (std::string after;;) {
        std::vector<Fd> fds;
        const Json request{{"op", "parked"}, {"prefix", name_prefix}, {"after", after}};
        const auto reply = TRY(call(request, {}, &fds), "fetch parked descriptors");
        const auto names = TRY(json_strings(reply, "names"));
        if (names.size() != fds.size()) {
            return fail(Kind::corrupt, "PID 1 sent {} descriptors for {} names", fds.size(), names.size());
        }
        for (std::size_t i = 0; i < names.size(); ++i) stored.push_back({names[i], std::move(fds[i])});
        const bool more = TRY(json_bool(reply, "more"));
        if (!more || names.empty()) return stored;
        after = names.back();
    }
}

Result<std::vector<std::string>> Supervisor::parked_names(const std::string& name_prefix) const {
    std::vector<std::string> all;
    for (std::string after;;) {
        const Json request{{"op", "parked"}, {"prefix", name_prefix}, {"after", after}, {"names_only", true}};
        const auto reply = TRY(call(request, {}, nullptr), "list parked descriptors");
        const auto names = TRY(json_strings(reply, "names"));
        all.insert(all.end(), names.begin(), names.end());
        const bool more = TRY(json_bool(reply, "more"));
        if (!more || names.empty()) return all;
        after = names.back();
    }
}

Result<std::optional<sys::ExitStatus>> Supervisor::exit_of(const sys::ProcessId& process) const {
    const Json request{{"op", "exit_of"}, {"pid", process.pid}, {"start_time", process.start_time}};
    const auto reply = TRY(call(request, {}, nullptr), "ask for the exit of process {}", process.pid);
    const Json& exit = json_member(reply, "exit");
    if (exit.is_null()) return std::optional<sys::ExitStatus>();
    sys::ExitStatus status;
    status.code = static_cast<int>(TRY(json_int(exit, "code")));
    status.signal = static_cast<int>(TRY(json_int(exit, "signal")));
    status.core_dumped = TRY(json_bool(exit, "core_dumped"));
    return std::optional(status);
}

Result<void> Supervisor::mark(const std::string& name) const {
    TRY(call({{"op", "mark"}, {"name", name}}, {}, nullptr), "mark {}", name);
    return {};
}

Result<Json> Supervisor::timeline() const {
    const auto reply = TRY(call({{"op", "timeline"}}, {}, nullptr));
    return json_member(reply, "marks");
}

Result<Json> Supervisor::status() const { return call({{"op", "status"}}, {}, nullptr); }

Result<void> Supervisor::power(Power how) const {
    TRY(call({{"op", "power"}, {"how", name_of(how)}}, {}, nullptr));
    return {};
}

Result<Json> Supervisor::call(const Json& request, const std::vector<FdRef>& fds, std::vector<Fd>* received) const {
    const auto socket = TRY(connect(init_socket_, sys::SocketType::packet));
    TRY(sys::send_message(socket, dump_json(request), fds));
    auto message = TRY(sys::receive_message(socket), "no answer from PID 1");
    if (message.bytes.empty()) return fail(Kind::denied, "PID 1 closed the connection: it answers to root only");
    auto reply = TRY(parse_json(message.bytes, "answer of PID 1"));
    const bool ok = TRY(json_bool(reply, "ok"));
    if (!ok) {
        const auto kind = TRY(json_string(reply, "kind"));
        const auto error = TRY(json_string(reply, "error"));
        return fail(kind_named(kind), "{}", error);
    }
    if (received != nullptr) *received = std::move(message.fds);
    return reply;
}

}  // namespace diatom::proc
