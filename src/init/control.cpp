#include "init/control.h"

#include <sys/socket.h>

#include <array>

#include "sys/clock.h"
#include "sys/log.h"
#include "sys/socket.h"

namespace diatom::init {
namespace {

using Handler = Result<Reply> (*)(const Json& request, Machine& machine);

Result<Reply> do_status(const Json&, Machine& machine) {
    Json body = machine.status();
    body["parked"] = machine.fds.size();
    body["reaped"] = machine.ledger.recorded();
    return Reply{std::move(body), {}};
}

Result<Reply> do_timeline(const Json&, Machine& machine) {
    Json marks = Json::array();
    for (const auto& mark : machine.timeline.marks()) marks.push_back({{"name", mark.name}, {"at_us", mark.at_us}});
    return Reply{{{"marks", std::move(marks)}}, {}};
}

Result<Reply> do_mark(const Json& request, Machine& machine) {
    const auto name = TRY(json_string(request, "name"));
    if (name.empty()) return fail(Kind::invalid, "mark: \"name\" is missing");
    machine.timeline.mark(name, sys::boot_ns() / 1000);
    return Reply{Json::object(), {}};
}

Result<Reply> do_exit_of(const Json& request, Machine& machine) {
    const auto pid = TRY(json_int(request, "pid"));
    const auto start = TRY(json_int(request, "start_time"));
    if (pid <= 0 || pid > INT32_MAX || start < 0)
        return fail(Kind::invalid, "exit_of: no process {} of {}", pid, start);
    machine.settle();
    const auto found = machine.ledger.find({static_cast<pid_t>(pid), static_cast<std::uint64_t>(start)});
    if (!found) return Reply{{{"exit", nullptr}}, {}};
    return Reply{{{"exit", {{"code", found->code}, {"signal", found->signal}, {"core_dumped", found->core_dumped}}}},
                 {}};
}

Result<Reply> do_parked(const Json& request, Machine& machine) {
    machine.settle();
    const auto prefix = TRY(json_string(request, "prefix"));
    const auto after = TRY(json_string(request, "after"));
    const bool names_only = TRY(json_bool(request, "names_only"));
    const auto entries = machine.fds.list(prefix, after, sys::kMaxFds);
    Reply reply{{{"names", Json::array()}, {"more", entries.size() == sys::kMaxFds}}, {}};
    for (const auto& entry : entries) {
        reply.body["names"].push_back(entry.name);
        if (!names_only) reply.fds.push_back(entry.fd);
    }
    return reply;
}

Result<Reply> do_forget(const Json& request, Machine& machine) {
    machine.settle();
    const auto prefix = TRY(json_string(request, "prefix"));
    if (prefix.empty()) return fail(Kind::invalid, "forget: \"prefix\" is missing");
    return Reply{{{"forgotten", machine.fds.forget(prefix)}}, {}};
}

Result<Reply> do_power(const Json& request, Machine& machine) {
    constexpr std::array<std::pair<std::string_view, proc::Power>, 4> kWays{{{"off", proc::Power::off},
                                                                             {"reboot", proc::Power::reboot},
                                                                             {"halt", proc::Power::halt},
                                                                             {"kexec", proc::Power::kexec}}};
    const auto how = TRY(json_string(request, "how"));
    for (const auto& [name, power] : kWays) {
        if (name != how) continue;
        machine.power(power);
        return Reply{Json::object(), {}};
    }
    return fail(Kind::invalid, "power: \"how\" must be off, reboot, halt or kexec, not \"{}\"", how);
}

constexpr std::array<std::pair<std::string_view, Handler>, 7> kHandlers{{{"status", do_status},
                                                                         {"timeline", do_timeline},
                                                                         {"mark", do_mark},
                                                                         {"exit_of", do_exit_of},
                                                                         {"parked", do_parked},
                                                                         {"forget", do_forget},
                                                                         {"power", do_power}}};

Result<Reply> handle(std::string_view packet, Machine& machine) {
    const auto request = TRY(parse_json(packet, "request"));
    if (!request.is_object()) return fail(Kind::invalid, "a request must be an object");
    const auto op = TRY(json_string(request, "op"));
    for (const auto& [name, handler] : kHandlers) {
        if (name == op) return handler(request, machine);
    }
    return fail(Kind::unsupported, "PID 1 knows no request \"{}\"", op);
}

int peer_uid(FdRef socket) {
    ucred peer{.pid = 0, .uid = static_cast<uid_t>(-1), .gid = 0};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket.raw(), SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) return -1;
    return static_cast<int>(peer.uid);
}

}  // namespace

Reply answer(std::string_view packet, Machine& machine) {
    auto reply = handle(packet, machine);
    if (reply) {
        reply->body["ok"] = true;
        return std::move(*reply);
    }
    return {{{"ok", false}, {"kind", to_string(reply.error().kind())}, {"error", reply.error().what()}}, {}};
}

Result<std::unique_ptr<ControlServer>> ControlServer::create(proc::EventLoop& loop, Fd listener, Machine& machine,
                                                             int uid) {
    TRY(sys::set_nonblocking(listener));
    std::unique_ptr<ControlServer> server(new ControlServer(loop, std::move(listener), machine, uid));
    auto* self = server.get();
    server->watch_ = TRY(loop.add(self->listener_, EPOLLIN, [self](std::uint32_t) { self->accept_one(); }));
    return server;
}

ControlServer::~ControlServer() {
    loop_.remove(watch_);
    for (const auto& [id, client] : clients_) loop_.remove(client.watch);
}

void ControlServer::accept_one() {
    auto socket = sys::accept_unix(listener_, true);
    if (!socket) return;
    const int uid = peer_uid(*socket);
    if ((uid != 0 && uid != uid_) || clients_.size() >= kMaxClients) {
        log::warning("a client of PID 1 was turned away", {{"uid", uid}, {"clients", clients_.size()}});
        return;
    }
    const int id = ++last_id_;
    auto& client = clients_[id];
    client.socket = std::move(*socket);
    auto watch = loop_.add(client.socket, EPOLLIN, [this, id](std::uint32_t) {
        // The client is wrong or gone, or there is no memory for it: in each case it is dropped, PID 1 goes on.
        try {
            if (!serve(id)) drop(id);
        } catch (...) {
            drop(id);
        }
    });
    if (watch) client.watch = *watch;
    else clients_.erase(id);
}

// An error, also the end of the connection, drops the client.
Result<void> ControlServer::serve(int id) {
    const FdRef socket = clients_.at(id).socket;
    const auto message = sys::receive_message(socket);
    if (!message && message.error().kind() == Kind::unavailable) return {};
    if (!message) return Failure(message.error());
    if (message->bytes.empty()) return fail(Kind::cancelled, "the client has gone");
    const Reply reply = answer(message->bytes, machine_);
    return sys::send_message(socket, dump_json(reply.body), reply.fds);
}

void ControlServer::drop(int id) {
    const auto found = clients_.find(id);
    if (found == clients_.end()) return;
    loop_.remove(found->second.watch);
    clients_.erase(found);
}

}  // namespace diatom::init
