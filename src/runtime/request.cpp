#include "runtime/request.h"

#include <array>

#include "runtime/names.h"
#include "sys/file.h"
#include "sys/socket.h"

namespace diatom::runtime {
namespace {

constexpr std::string_view kInMemoryFile = "@";  // the text was too long for a packet
constexpr std::string_view kGo = "go", kHold = "hold";
constexpr std::array<std::pair<std::string_view, Report::Step>, 4> kSteps = {
    {{"cloned", Report::Step::cloned},
     {"environment", Report::Step::environment},
     {"ready", Report::Step::ready},
     {"failed", Report::Step::failed}}};

Result<void> send_text(FdRef socket, const std::string& text, std::vector<FdRef> fds) {
    if (text.size() <= sys::kMaxMessage) return sys::send_message(socket, text, fds);
    const auto file = TRY(sys::memory_file("request", text, true));
    fds.push_back(file);
    return sys::send_message(socket, kInMemoryFile, fds);
}

Json to_json(Report::Step step) { return Json{{"step", std::string(name_of(kSteps, step))}}; }

}  // namespace

std::vector<Fd*> descriptors_of(Request& request) {
    std::vector<Fd*> fds;
    for (Fd* fd : {&request.cgroup, &request.target, &request.listener}) {
        if (*fd) fds.push_back(fd);
    }
    for (Fd& fd : request.passed) fds.push_back(&fd);
    return fds;
}

Result<void> send_request(FdRef socket, Request& request) {
    Json document{{"spec", encode(request.spec)}, {"join", request.join}};
    document["cgroup"] = static_cast<bool>(request.cgroup);
    document["target"] = static_cast<bool>(request.target);
    document["listener"] = static_cast<bool>(request.listener);
    if (request.listener) document["listener_metadata"] = request.listener_metadata;
    document["passed"] = request.passed.size();
    document["check_program"] = request.check_program;
    if (request.has_filter) document["filter_flags"] = request.filter_flags;
    std::vector<FdRef> fds;
    for (const Fd* fd : descriptors_of(request)) fds.push_back(*fd);
    TRY(send_text(socket, dump_json(document), std::move(fds)), "send the request to the executor");
    if (request.has_filter) TRY(sys::send_message(socket, request.filter), "send the filter to the executor");
    return {};
}

Result<Request> receive_request(FdRef socket) {
    auto message = TRY(sys::receive_message(socket), "receive the request");
    if (message.bytes.empty()) return fail(Kind::cancelled, "the caller went away");
    if (message.bytes == kInMemoryFile && !message.fds.empty()) {
        message.bytes = TRY(sys::read_all(message.fds.back()), "read the request");
        message.fds.pop_back();
    }
    const Json document = TRY(parse_json(message.bytes, "executor request"));
    Request request{.spec = TRY(decode_spec(json_member(document, "spec"))), .join = TRY(json_bool(document, "join"))};
    std::size_t next = 0;
    for (const auto& [key, place] : {std::pair{"cgroup", &request.cgroup}, std::pair{"target", &request.target},
                                     std::pair{"listener", &request.listener}}) {
        if (!TRY(json_bool(document, key))) continue;
        if (next == message.fds.size()) return fail(Kind::bug, "executor request: no descriptor for {}", key);
        *place = std::move(message.fds[next++]);
    }
    const auto passed = TRY(json_int(document, "passed"));
    if (passed < 0 || message.fds.size() - next < static_cast<std::size_t>(passed)) {
        return fail(Kind::bug, "executor request: {} descriptors to pass on did not come", passed);
    }
    for (std::int64_t i = 0; i < passed; ++i) request.passed.push_back(std::move(message.fds[next++]));
    request.listener_metadata = TRY(json_string(document, "listener_metadata"));
    request.check_program = TRY(json_bool(document, "check_program"));
    request.has_filter = !json_member(document, "filter_flags").is_null();
    if (request.has_filter) {
        request.filter_flags = static_cast<unsigned>(TRY(json_int(document, "filter_flags")));
        request.filter = TRY(sys::receive_message(socket), "receive the filter").bytes;
    }
    return request;
}

Result<void> send_cloned(FdRef socket, int pid, FdRef pidfd) {
    Json report = to_json(Report::Step::cloned);
    report["pid"] = pid;
    return sys::send_message(socket, dump_json(report), {pidfd});
}

Result<void> send_environment(FdRef socket) {
    return sys::send_message(socket, dump_json(to_json(Report::Step::environment)));
}

Result<void> send_ready(FdRef socket, FdRef terminal) {
    std::vector<FdRef> fds;
    if (terminal) fds.push_back(terminal);
    return sys::send_message(socket, dump_json(to_json(Report::Step::ready)), fds);
}

void send_failed(FdRef socket, const Error& error) noexcept {
    Json report = to_json(Report::Step::failed);
    report["kind"] = static_cast<int>(error.kind());
    report["errno"] = error.error_number();
    report["message"] = error.what();
    std::ignore = sys::send_message(socket, dump_json(report));
}

Result<std::optional<Report>> receive_report(FdRef socket) {
    auto message = TRY(sys::receive_message(socket));
    if (message.bytes.empty()) return std::nullopt;
    const Json document = TRY(parse_json(message.bytes, "executor report"));
    Report report;
    const auto step = TRY(json_string(document, "step"));
    for (const auto& [name, value] : kSteps) {
        if (name == step) report.step = value;
    }
    report.pid = static_cast<int>(TRY(json_int(document, "pid")));
    if (!message.fds.empty()) report.fd = std::move(message.fds.front());
    if (report.step == Report::Step::failed) {
        const auto kind = TRY(json_int(document, "kind", static_cast<int>(Kind::bug)));
        report.error.emplace(static_cast<Kind>(kind), TRY(json_string(document, "message", "no reason given")),
                             static_cast<int>(TRY(json_int(document, "errno"))));
    }
    return report;
}

Result<void> send_go(FdRef socket) { return sys::send_message(socket, kGo); }

Result<void> send_hold(FdRef socket, FdRef listener) { return sys::send_message(socket, kHold, {listener}); }

Result<Order> receive_order(FdRef socket) {
    auto message = TRY(sys::receive_message(socket));
    if (message.bytes == kGo) return Order{.what = Order::What::go, .listener = Fd()};
    if (message.bytes != kHold || message.fds.empty()) return Order{};
    return Order{.what = Order::What::hold, .listener = std::move(message.fds.front())};
}

}  // namespace diatom::runtime
