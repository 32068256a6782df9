#include "uplink/service.h"

#include <signal.h>

#include <algorithm>
#include <format>
#include <memory>

#include "base/strings.h"
#include "document/json_reader.h"
#include "machine/check.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"
#include "uplink/client.h"
#include "uplink/commands.h"
#include "uplink/control.h"
#include "uplink/dhcpcd.h"
#include "uplink/link_watch.h"
#include "uplink/memory.h"
#include "uplink/names.h"
#include "uplink/pending.h"
#include "uplink/plan.h"

namespace diatom::uplink {
namespace {

constexpr std::int64_t kMilli = 1'000'000, kSecond = 1'000'000'000;
constexpr std::int64_t kSettleNs = 50 * kMilli;  // changes come in swarms
constexpr std::int64_t kAgainNs = 10 * kSecond;  // what failed may work when something else is there
constexpr std::int64_t kRaiseNs = 30 * kSecond;
constexpr int kPrepareMs = 300'000, kHookMs = 10'000;

class Service {
public:
    Service(proc::EventLoop& loop, const Places& places, Until until, Kernel kernel, LinkWatch watch)
        : loop_(loop),
          places_(places),
          until_(until),
          kernel_(std::move(kernel)),
          watch_(std::move(watch)),
          pending_(places.files, machine::Unconfirmed(places.state)),
          client_(loop, places.dhcpcd, places.files.dhcpcd()),
          commands_(loop) {}

    Result<void> start();

private:
    Result<void> load();
    void first_of_boot();
    void prepare();
    void settle();
    Result<Reconciled> settle_links(const Wanted& wanted);
    void tell_names(const Wanted& wanted);
    void look_around(const Wanted& wanted);
    void run_up(const WantedLink& link, const Present& present);
    void go_online(const std::vector<std::string>& awaited);
    void keep();
    void arm_deadline();
    void deadline_passed();
    Json answer(std::string_view op);
    Json reload();
    Json confirm();
    bool has_nothing_to_do() const { return !configured_ && !pending_.deadline(); }
    void leave();
    void end() {
        ended_ = true;
        loop_.stop();
    }
    std::vector<std::string> environment(const std::string& link = {}) const;

    proc::EventLoop& loop_;
    const Places& places_;
    Until until_;
    Kernel kernel_;
    LinkWatch watch_;
    Pending pending_;
    Client client_;
    Commands commands_;
    std::unique_ptr<Control> control_;
    proc::EventLoop::Watch settle_ = {}, again_ = {}, patience_ = {}, deadline_ = {};
    Value document_ = Value::map();  // {"network": …, "environment": …}
    bool configured_ = false;
    ServiceMemory memory_;
    std::set<int> ours_;
    std::vector<std::string> problems_, awaited_;
    bool patient_ = true;  // dhcp_timeout is not over
    bool ended_ = false;
    bool fresh_ = true;  // nothing was looked at yet
};

Result<void> Service::start() {
    TRY(sys::make_dirs(places_.files.run, 0755));
    auto memory = read_memory(places_.files.memory());
    if (memory && *memory) memory_ = **std::move(memory);
    else first_of_boot();
    TRY(load());
    TRY(client_.create());
    settle_ = TRY(loop_.add_timer(0, 0, [this] { settle(); }));
    again_ = TRY(loop_.add_timer(0, 0, [this] { settle(); }));
    deadline_ = TRY(loop_.add_timer(0, 0, [this] { deadline_passed(); }));
    patience_ = TRY(loop_.add_timer(0, 0, [this] {
        patient_ = false;
        settle();
    }));
    TRY(loop_.add(watch_.fd(), EPOLLIN, [this](std::uint32_t) {
        if (const auto changed = watch_.changed(ours_); !changed || *changed)
            std::ignore = loop_.set_timer(settle_, kSettleNs);
    }));
    TRY(loop_.add_signals({SIGTERM, SIGINT}, [this](const signalfd_siginfo&) { end(); }));
    control_ = std::make_unique<Control>(loop_, [this](std::string_view op) { return answer(op); });
    TRY(control_->open(places_.files.control()));
    auto timeout = sys::parse_duration(document_.at("network").text_of("dhcp_timeout"));
    if (until_ == Until::online) timeout = std::min(timeout.value_or(kRaiseNs), kRaiseNs);
    if (timeout) std::ignore = loop_.set_timer(patience_, std::max<std::int64_t>(*timeout, 1));
    prepare();
    arm_deadline();
    settle();
    return ended_ ? Result<void>() : loop_.run();
}

// Without memory, dhcpcd may have asked on every card: for the boot's own needs, or while nothing was configured.
void Service::first_of_boot() {
    if (const auto links = kernel_.links()) {
        for (const auto& link : *links) {
            if (link.hardware) memory_.links.asked.insert(link.name);
        }
    }
}

Result<void> Service::load() {
    document_ = Value::map();
    configured_ = sys::exists(places_.files.config());
    if (!configured_) return {};
    document_ = TRY(read_json(TRY(sys::read_file(places_.files.config())), places_.files.config()));
    for (const auto& problem : machine::keep_valid(document_)) log::warning(problem.text);
    return {};
}

std::vector<std::string> Service::environment(const std::string& link) const {
    std::vector<std::string> environment{"PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/bin", "HOME=/root"};
    if (!link.empty()) environment.push_back("INTERFACE=" + link);
    for (const auto& [name, value] : document_.at("environment").members())
        environment.push_back(name + "=" + value.scalar_text());
    return environment;
}

void Service::prepare() {
    if (memory_.prepared) return;
    memory_.prepared = true;
    keep();
    for (const auto& command : document_.at("network").at("pre_commands").items()) {
        const auto output = proc::run(command_request(command_words(command), environment()), kPrepareMs);
        if (!output) log::warning("pre_commands", {{"error", output.error().what()}});
        else if (output->status != sys::ExitStatus{})
            log::warning("pre_commands", {{"code", output->status.shell_code()}, {"output", output->out}});
    }
}

void Service::settle() {
    std::ignore = loop_.set_timer(settle_, 0);
    const auto present = kernel_.links();
    if (!present) return log::error("network", present.error());
    const auto wanted = plan(document_.at("network"), *present);
    auto done = settle_links(wanted);
    if (!done) {
        log::error("network", done.error());
        std::ignore = loop_.set_timer(again_, kAgainNs);
        return;
    }
    auto problems = wanted.problems;
    problems.insert(problems.end(), done->problems.begin(), done->problems.end());
    for (const auto& problem : problems) {
        if (!std::ranges::contains(problems_, problem)) log::warning("network", {{"problem", problem}});
    }
    if (done->changes > 0) log::info("the network was changed", {{"changes", done->changes}});
    problems_ = std::move(problems);
    std::ignore = loop_.set_timer(again_, problems_.empty() ? 0 : kAgainNs);
    look_around(wanted);
    keep();
}

Result<Reconciled> Service::settle_links(const Wanted& wanted) {
    auto configuration = dhcpcd_configuration(wanted, sys::read_file(places_.image_dhcpcd).value_or(""));
    const bool anew = !client_.has(configuration);
    if (anew) client_.stop();
    auto done = TRY(reconcile(kernel_, wanted, memory_.links));
    memory_.links.asked.clear();
    for (const auto& link : wanted.links) {
        if (link.asks.anything()) memory_.links.asked.insert(link.name);
    }
    tell_names(wanted);
    if (anew) client_.start(std::move(configuration));
    return done;
}

void Service::tell_names(const Wanted& wanted) {
    const auto changed = write_name_records(places_.files.names(), wanted);
    if (!changed) return log::error("names", changed.error());
    if (!*changed && sys::exists("/run/diatom/resolv.conf")) return;
    proc::SpawnRequest request;
    request.path = places_.hook;
    request.argv = {"dhcpcd-run-hooks"};
    request.env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "reason=CONFIGURATION"};
    if (const auto ran = proc::run(std::move(request), kHookMs); !ran) log::error("names", ran.error());
}

// What has come of it: who has what he should have, and whether that is all.
void Service::look_around(const Wanted& wanted) {
    const auto present = kernel_.links();
    const auto addresses = kernel_.addresses();
    if (!present || !addresses) return;
    ours_.clear();
    for (const auto& said : wanted.links) {
        const auto link = std::ranges::find(*present, said.name, &Present::name);
        if (link == present->end()) continue;
        ours_.insert(link->index);
        if (lack(said, *link, wanted, *addresses).empty()) run_up(said, *link);
    }
    go_online(awaited(wanted, *present, *addresses));
}

void Service::run_up(const WantedLink& link, const Present& present) {
    if (link.up.empty()) memory_.up.erase(link.name);
    if (link.up.empty() || until_ == Until::online) return;
    std::string what = std::to_string(present.index);
    for (const auto& words : link.up) what += "\n" + join(words, "\x1f");
    if (auto& before = memory_.up[link.name]; before != what) before = what;
    else return;
    for (const auto& words : link.up) commands_.add(words, environment(link.name), link.name + ".up");
}

void Service::go_online(const std::vector<std::string>& awaited) {
    awaited_ = awaited;
    // What was enough for a boot's own needs, or without this configuration, may be too little now.
    if (fresh_ && configured_ && !awaited.empty()) std::ignore = sys::remove_file(places_.online);
    fresh_ = false;
    if (!configured_ || (!awaited.empty() && patient_)) return;
    if (!sys::exists(places_.online)) {
        if (auto said = sys::write_file(places_.online, ""); !said) log::error("online", said.error());
        if (awaited.empty()) log::info("the network is there");
        else
            log::warning("the network is not all there, and is waited for no longer",
                         {{"missing", join(awaited, "; ")}});
    }
    if (until_ == Until::online) return end();
    if (memory_.finished) return;
    memory_.finished = true;
    for (const auto& command : document_.at("network").at("post_commands").items())
        commands_.add(command_words(command), environment(), "post_commands");
}

void Service::keep() {
    const auto kept = write_memory(places_.files.memory(), memory_);
    if (!kept) log::error("memory", kept.error());
}

void Service::arm_deadline() {
    const auto deadline = pending_.deadline();
    std::ignore = loop_.set_timer(deadline_, deadline ? std::max<std::int64_t>(*deadline - sys::boot_ns(), kMilli) : 0);
}

void Service::deadline_passed() {
    if (auto undone = pending_.undo(); !undone) {
        log::error("a network that nobody confirmed stays", undone.error());
        std::ignore = loop_.set_timer(deadline_, kAgainNs);
        return;
    }
    log::warning("nobody confirmed the network in time: it is again what it was");
    std::ignore = reload();
}

Json Service::answer(std::string_view op) {
    if (op == "reload") return reload();
    if (op == "confirm") return confirm();
    return {{"ok", false}, {"error", "reload and confirm are what can be asked"}};
}

Json Service::reload() {
    if (auto loaded = load(); !loaded) return {{"ok", false}, {"error", loaded.error().what()}};
    arm_deadline();
    if (has_nothing_to_do()) {
        leave();
        return {{"ok", true}, {"problems", Json::array()}, {"awaited", Json::array()}};
    }
    settle();
    return {{"ok", true}, {"problems", problems_}, {"awaited", awaited_}};
}

Json Service::confirm() {
    if (auto confirmed = pending_.confirm(); !confirmed) return {{"ok", false}, {"error", confirmed.error().what()}};
    arm_deadline();
    if (has_nothing_to_do()) leave();
    return {{"ok", true}};
}

// Nothing is configured any more: what was made goes, and whoever starts the service again finds dhcpcd in our place.
void Service::leave() {
    client_.stop();
    memory_.links.asked.clear();
    if (const auto done = reconcile(kernel_, {}, memory_.links); !done) log::error("network", done.error());
    Wanted others;
    others.any_will_do = true;
    tell_names(others);
    std::ignore = sys::remove_file(places_.files.memory());
    log::info("nothing is configured: every wired link asks DHCP");
    end();
}

}  // namespace

Result<void> serve(const Places& places, Until until) {
    auto loop = TRY(proc::EventLoop::create());
    auto watch = TRY(LinkWatch::open());
    auto kernel = TRY(Kernel::open());
    Service service(*loop, places, until, std::move(kernel), std::move(watch));
    return service.start();
}

}  // namespace diatom::uplink
