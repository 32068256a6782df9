// Stating the engine's invariants (check.h). What is in the midst of a change looks odd for a moment, and not every
// change holds a lock: only what several looks agree on is told.
#include <algorithm>

#include "engine/engine_impl.h"
#include "sys/cgroup.h"
#include "sys/file.h"

namespace diatom::engine {
namespace {

// Over eight seconds: where there is much to do a change takes as long, and the ledger is asked for an exit for two.
constexpr int kLooks = 8;
constexpr std::chrono::milliseconds kPause{1200};

void compare_ids(const std::vector<std::string>& recorded, const std::set<std::string>& known, bool creating,
                 const char* table, Findings& findings) {
    const std::set<std::string> stored(recorded.begin(), recorded.end());
    for (const auto& id : stored) {
        if (known.contains(id)) continue;
        findings.push_back({std::format("the database has a record in {} that the engine does not know", table), id,
                            "restart the engine, and look at its log for why the record is left out"});
    }
    for (const auto& id : known) {
        if (stored.contains(id) || creating) continue;
        findings.push_back({std::format("the database lacks a record in {}", table), id,
                            "make it anew: it is lost when the engine ends"});
    }
}

void add(Result<Findings> found, const char* what, CheckReport& report) {
    if (!found) report.skipped.push_back(std::format("{}: {}", what, found.error().what()));
    else std::ranges::move(*found, std::back_inserter(report.findings));
}

}  // namespace

CheckedState EngineImpl::checked_state() const {
    CheckedState state{.options = options_};
    for (const auto& [name, id] : names_) {
        if (containers_.contains(id)) continue;
        state.creating = true;
        state.containers.insert(id);
        state.busy.insert(id);
        state.roots.insert(id);
    }
    for (const auto& [id, live] : containers_) {
        const auto& record = live->record;
        const auto status = record.state.status;
        const bool runs = status == Status::running || status == Status::paused;
        state.containers.insert(id);
        if (!record.image.empty()) state.roots.insert(id);
        for (const auto& use : record.images) state.roots.insert(use.rootfs);
        if (live->lock.is_locked()) state.busy.insert(id);
        if (runs) state.running.push_back(record);
        if (const auto cgroup = cgroup_of(id); !cgroup.empty() && (runs || state.busy.contains(id)))
            state.cgroups[id] = cgroup;
        if (live->pidfd) ++state.processes;
    }
    for (const auto& [id, exec] : execs_) state.processes += exec->state.running ? 1 : 0;
    for (const auto& volume : volumes_) state.volumes.insert(volume.name);
    for (const auto& network : network_records_) state.networks.insert(network.id);
    state.image_work = image_work_.count() > 0;
    return state;
}

asio::awaitable<void> EngineImpl::check_records(const CheckedState& state, CheckReport& report) {
    auto found = co_await on_records([&]() -> Result<Findings> {
        Findings findings;
        if (auto whole = records_.check(); !whole) {
            findings.push_back({"the engine's database is damaged: " + whole.error().what(),
                                options_.root + "/engine.db", "keep a copy, and restart the engine"});
        }
        compare_ids(TRY(records_.ids("containers")), state.containers, state.creating, "containers", findings);
        compare_ids(TRY(records_.ids("volumes")), state.volumes, state.creating, "volumes", findings);
        compare_ids(TRY(records_.ids("networks")), state.networks, false, "networks", findings);
        return findings;
    });
    add(std::move(found), "records", report);
}

asio::awaitable<CheckReport> EngineImpl::check_once() {
    CheckedState state = checked_state();
    CheckReport report{
        .findings = {}, .skipped = {}, .containers = state.containers.size(), .running = state.running.size()};
    co_await check_records(state, report);
    auto network = co_await on_network([&] { return networks_.check(state.running, state.busy); });
    add(std::move(network), "network", report);
    const bool at_rest = !state.creating && !state.image_work;
    auto stored = co_await on_pool([&] {
        return parts_.store->check({state.roots.begin(), state.roots.end()},
                                   at_rest ? image::Store::Activity::at_rest : image::Store::Activity::at_work);
    });
    add(std::move(stored), "image store", report);
    (void)co_await on_pool([&]() -> Result<void> {
        for (auto& mount : volume_mounts_.held()) state.volume_mounts.insert(std::move(mount));
        check_directories(state, report.findings);
        check_mounts(state, "self", report.findings);
        // An engine in a container has mounts of its own; the machine's should have none of it.
        const auto ours = sys::read_link("/proc/self/ns/mnt"), machine = sys::read_link("/proc/1/ns/mnt");
        if (ours && machine && *ours != *machine) check_mounts(state, "1", report.findings);
        if (const auto groups = sys::Cgroup::mount_point(); groups && !options_.cgroup.empty())
            check_cgroups(state, *groups, report.findings);
        check_processes(state, report.findings);
        check_descriptors(state, report.findings);
        if (auto parked = check_parked(state, parts_.supervisor, report.findings); !parked)
            report.skipped.push_back("PID 1: " + parked.error().what());
        report.descriptors = sys::count_open_fds().value_or(0);
        return {};
    });
    co_return report;
}

Task<CheckReport> EngineImpl::check() {
    auto report = co_await check_once();
    for (int look = 1; look < kLooks && !report.findings.empty(); ++look) {
        co_await sleep_for(kPause);
        const auto again = co_await check_once();
        std::erase_if(report.findings, [&](const auto& one) { return !std::ranges::contains(again.findings, one); });
        report.descriptors = again.descriptors;
    }
    co_return report;
}

}  // namespace diatom::engine
