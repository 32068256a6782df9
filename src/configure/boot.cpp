#include "configure/boot.h"

#include <format>

#include "configure/apply.h"
#include "configure/first_boot.h"
#include "configure/gather.h"
#include "configure/network.h"
#include "sys/file.h"

namespace diatom::configure {
namespace {

constexpr const char* kAskAgain = "/run/diatom/config/ask-again";
constexpr const char* kIgnition = "ignition";

void append(std::vector<std::string>& to, std::vector<std::string> more) {
    to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

Places places_of(const Root& root) {
    const Places machine;
    return {root.at(machine.image), root.at(machine.state), root.at(machine.command_line), root};
}

// There is something for the service that runs late.
Result<void> come_back(const Root& root, Ask ask) {
    TRY(sys::make_dirs(root.at("/run/diatom/config"), 0700));
    if (ask == Ask::anew) TRY(sys::write_file(root.at(kAskAgain), ""));
    return sys::write_file(root.at(kLate), "");
}

// What the service `configure` does, in pieces.
class Late {
public:
    Late(const OutsideMeans& means, const Root& root) : means_(means), root_(root), store_(root) {}

    // Of who was not asked before the engines started. What is new is applied as far as a running machine can be
    // changed.
    void ask_again() {
        if (!sys::exists(root_.at(kAskAgain))) return;
        std::ignore = sys::remove_file(root_.at(kAskAgain));
        auto outside = look_outside(store_, root_, means_, Ask::anew);
        append(said_.warnings, std::move(outside.warnings));
        append(said_.problems, std::move(outside.problems));
        leave_seeds();
        auto fetching = fetching_for(Look::anew);
        auto gathered = gather(places_of(root_), fetching);
        if (!outside.news && !fetching.found_news()) return;
        append(said_.warnings, std::move(gathered.warnings));
        append(said_.problems, std::move(gathered.refused));
        carry_out_phase(Phase::live, gathered, fetching);
    }

    void finish() {
        auto fetching = fetching_for(Look::kept_first);
        const auto gathered = gather(places_of(root_), fetching);
        carry_out_phase(Phase::late, gathered, fetching);
    }

    void report() {
        if (auto told = report_ready(store_, means_); !told) said_.problems.push_back(told.error().what());
    }
    Said take() { return std::move(said_); }

private:
    Fetching fetching_for(Look look) const {
        return Fetching(
            {.look = look, .directory = store_.directory(store_.current()), .raise_network = means_.raise_network});
    }
    void carry_out_phase(Phase phase, const Gathered& gathered, Fetching& fetching) {
        const auto made = plan(gathered.layers.merged(), phase, root_,
                               {.scripts = &gathered.scripts, .fetching = &fetching, .platform = gathered.platform});
        append(said_.warnings, made.warnings);
        append(said_.warnings, made.refused);
        append(said_.problems, carry_out(made).problems);
    }

    const OutsideMeans& means_;
    const Root& root_;
    InstanceStore store_;
    Said said_;
};

}  // namespace

Said configure_at_boot(const OutsideMeans& means, const Root& root) {
    const InstanceStore store(root);
    Said said;
    append(said.warnings, take_back_network(root));
    auto outside = look_outside(store, root, means, Ask::as_needed);
    append(said.warnings, std::move(outside.warnings));
    append(outside.owes_ignition ? said.fatal : said.problems, std::move(outside.problems));
    Fetching fetching(
        {.look = Look::kept_first, .directory = store.directory(outside.id), .raise_network = means.raise_network});
    auto gathered = gather(places_of(root), fetching);
    append(said.warnings, std::move(gathered.warnings));
    leave_seeds();
    const bool first = !gathered.ignition.empty() && store.done_text(kIgnition) != gathered.ignition;
    if (first) {
        append(gathered.refused, plan(gathered.ignition_machine, Phase::boot, root).refused);
        append(gathered.refused, obstacles_of(gathered.ignition_machine, root));
    }
    append(first ? said.fatal : said.problems, std::move(gathered.refused));
    if (!said.fatal.empty()) return said;
    const auto made = plan(gathered.layers.merged(), Phase::boot, root,
                           {.scripts = &gathered.scripts, .fetching = &fetching, .platform = gathered.platform});
    append(said.warnings, made.warnings);
    append(said.warnings, made.refused);
    auto outcome = carry_out(made);
    append(first ? said.fatal : said.problems, std::move(outcome.problems));
    if (first && said.fatal.empty()) {
        if (auto kept = store.set_done(kIgnition, gathered.ignition); !kept)
            said.problems.push_back(std::format("remember that Ignition is done: {}", kept.error().what()));
    }
    if (outside.ask_again || must_report(store)) {
        auto later = come_back(root, outside.ask_again ? Ask::anew : Ask::as_needed);
        if (!later) said.problems.push_back(later.error().what());
    }
    return said;
}

Result<void> come_back_late(const Root& root) { return come_back(root, Ask::as_needed); }

Said configure_late(const OutsideMeans& means, const Root& root) {
    Late late(means, root);
    const InstanceStore store(root);
    // Who was handed something before does not wait for a server that may be gone.
    const auto before = store.current();
    if (!before.empty()) late.finish();
    late.ask_again();
    if (before.empty() || store.current() != before) late.finish();
    late.report();
    auto said = late.take();
    if (auto told = sys::write_file(root.at(kLateDone), ""); !told) said.problems.push_back(told.error().what());
    return said;
}

}  // namespace diatom::configure
