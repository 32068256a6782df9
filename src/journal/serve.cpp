#include "journal/serve.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "journal/forwarder.h"
#include "proc/spawn.h"
#include "sys/file.h"
#include "sys/log.h"
#include "sys/log_flag.h"

namespace diatom::journal {
namespace {

constexpr std::int64_t kRestartNs = 5'000'000'000;

// A process for each receiver: what blocks there, a name that nobody knows or a receiver that takes nothing, keeps
// neither the collector nor another receiver.
class Forwarders {
public:
    Forwarders(proc::EventLoop& loop, std::string store, const BootId& boot)
        : loop_(loop), store_(std::move(store)), boot_(boot) {}

    Result<void> start() {
        timer_ = TRY(loop_.add_timer(0, 0, [this] { start_missing(); }));
        return {};
    }

    void want(const std::vector<std::string>& urls) {
        std::map<std::string, Receiver> wanted;
        for (const auto& url : urls) {
            auto receiver = Receiver::parse(url);
            if (receiver) wanted.emplace(receiver->url(), *receiver);
            else log::error("the log is not forwarded", receiver.error());
        }
        wanted_ = std::move(wanted);
        for (const auto& [url, child] : children_) {
            if (!wanted_.contains(url)) std::ignore = sys::send_signal(child.pidfd, SIGTERM);
        }
        start_missing();
    }

    void ended(pid_t pid) {
        const auto child = std::ranges::find_if(children_, [=](const auto& c) { return c.second.pid == pid; });
        if (child == children_.end()) return;
        children_.erase(child);
        std::ignore = loop_.set_timer(timer_, kRestartNs);
    }

private:
    void start_missing() {
        for (const auto& [url, receiver] : wanted_) {
            if (children_.contains(url)) continue;
            proc::SpawnRequest request;
            request.path = "/proc/self/exe";
            request.argv = {"diatom-log-forward"};
            request.fds = {{FdRef(STDERR_FILENO), STDERR_FILENO}};
            request.entry = [&receiver, this] { return run(receiver); };
            auto child = proc::spawn(request);
            if (child) children_.emplace(url, std::move(*child));
            else log::error("the log is not forwarded", child.error());
        }
    }

    // In the copy.
    int run(const Receiver& receiver) const {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::signal(SIGPIPE, SIG_IGN);
        log::open_sink({.directory = "/run/diatom/log", .unit = "log-forward", .echo = std::nullopt});
        Forwarder({.receiver = receiver, .store = store_, .boot = boot_}).run();
        return 0;
    }

    proc::EventLoop& loop_;
    std::string store_;
    BootId boot_;
    proc::EventLoop::Watch timer_{};
    std::map<std::string, Receiver> wanted_;
    std::map<std::string, proc::Child> children_;
};

// Programs that write to syslog(3) find it where it always was.
void link_socket() {
    std::error_code ignored;
    std::filesystem::remove(kSyslogLink, ignored);
    std::filesystem::create_symlink(kSyslogSocket, kSyslogLink, ignored);
}

// PID 1 and the engines then say what helps to find mistakes, too.
void set_debug(const std::string& directory, bool on) {
    const auto flag = directory + "/" + log::kDebugFlag;
    if (on) std::ignore = sys::write_file(flag, "", 0600);
    else std::ignore = sys::remove_file(flag);
}

}  // namespace

Result<void> serve(CollectorOptions options) {
    const auto loop = TRY(proc::EventLoop::create());
    Forwarders forwarders(*loop, options.store, options.boot);
    const bool debug = options.level == Priority::debug;
    const auto own = options.places.own;
    TRY(forwarders.start());
    TRY(loop->add_signals({SIGTERM, SIGINT, SIGCHLD}, [&](const signalfd_siginfo& info) {
        if (info.ssi_signo != SIGCHLD) return loop->stop();
        for (pid_t pid = 0; (pid = ::waitpid(-1, nullptr, WNOHANG)) > 0;) forwarders.ended(pid);
    }));
    options.changed = [&](const Settings& settings) {
        set_debug(own, settings.level ? *settings.level == Priority::debug : debug);
        forwarders.want(settings.forward);
    };
    const auto collector = TRY(Collector::create(*loop, std::move(options)));
    link_socket();
    TRY(loop->run());
    return collector->finish();
}

}  // namespace diatom::journal
