#include "engine/stdio_ends.h"

#include <fcntl.h>

#include "sys/log.h"
#include "sys/socket.h"

namespace diatom::engine {
namespace {

// Room for a container's burst while the engine is restarted or busy. Refused beyond the user's limit: then 64 KiB it
// is.
constexpr int kPipeSize = 1 << 20;

Result<std::pair<Fd, Fd>> wide_pipe() {
    auto ends = TRY(sys::make_pipe());
    (void)::fcntl(ends.first.raw(), F_SETPIPE_SZ, kPipeSize);
    return ends;
}

}  // namespace

Result<StreamPairs> make_streams(bool terminal, bool open_stdin) {
    StreamPairs pairs;
    if (terminal) return pairs;
    std::tie(pairs.ours.out, pairs.out) = TRY(wide_pipe());
    std::tie(pairs.ours.err, pairs.err) = TRY(wide_pipe());
    if (open_stdin) std::tie(pairs.in, pairs.ours.in) = TRY(sys::make_pipe());
    return pairs;
}

std::string parked_scope(const EngineOptions& options) { return options.scope == Scope::system ? "system/" : "user/"; }

std::string parked_batch(const EngineOptions& options) { return "log/" + parked_scope(options) + "batch"; }

std::string parked_prefix(const EngineOptions& options, const std::string& id) {
    return parked_scope(options) + id + "/";
}

void park(const proc::Supervisor& supervisor, const std::string& prefix, const StdioEnds& ends) {
    const auto one = [&](const char* name, const Fd& fd) {
        if (!fd) return;
        auto parked = supervisor.park(prefix + name, fd);
        if (!parked && parked.error().kind() != Kind::unavailable) {
            log::warning("a stream is not parked", {{"name", prefix + name}, {"error", parked.error().what()}});
        }
    };
    one("stdin", ends.in);
    one("stdout", ends.out);
    one("stderr", ends.err);
    one("terminal", ends.terminal);
}

StdioEnds recover_streams(const proc::Supervisor& supervisor, const std::string& prefix) {
    StdioEnds ends;
    auto parked = supervisor.parked(prefix);
    if (!parked) return ends;
    for (auto& stored : *parked) {
        const auto name = std::string_view(stored.name).substr(std::min(prefix.size(), stored.name.size()));
        if (name == "stdin") ends.in = std::move(stored.fd);
        else if (name == "stdout") ends.out = std::move(stored.fd);
        else if (name == "stderr") ends.err = std::move(stored.fd);
        else if (name == "terminal") ends.terminal = std::move(stored.fd);
    }
    return ends;
}

}  // namespace diatom::engine
