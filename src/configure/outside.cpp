#include "configure/outside.h"

#include <algorithm>

#include "configure/digest.h"
#include "configure/run_task.h"
#include "platform/gather.h"
#include "platform/identify.h"
#include "platform/parameters.h"
#include "sys/file.h"

namespace diatom::configure {
namespace {

using platform::Candidate;
using platform::Platform;

constexpr const char* kReady = "reported-ready";

bool is_remote(std::string_view url) { return url.starts_with("http://") || url.starts_with("https://"); }

bool asks_a_server(const Candidate& candidate) {
    switch (candidate.platform) {
        case Platform::openstack:
        case Platform::ec2:
        case Platform::gce:
        case Platform::azure:
        case Platform::digitalocean:
        case Platform::hetzner: return true;
        case Platform::nocloud: return is_remote(candidate.seed.from);
        case Platform::url: return is_remote(candidate.url);
        default: return false;
    }
}

std::vector<const Candidate*> all_of(const platform::Plan& plan) {
    std::vector<const Candidate*> all;
    for (const auto* list : {&plan.below, &plan.platform, &plan.above}) {
        for (const auto& candidate : *list) all.push_back(&candidate);
    }
    return all;
}

// Who would be asked, and which machine this is. Two clones of a disk look different.
std::string looks_of(const platform::Facts& facts, const std::vector<const Candidate*>& candidates) {
    std::string text = facts.dmi.product_uuid + "\n" + facts.dmi.product_serial + "\n" + facts.hypervisor_uuid;
    for (const auto* candidate : candidates) {
        text += std::format("\n{} {} {} {} {}", to_string(candidate->platform), candidate->label, candidate->seed.from,
                            candidate->seed.instance_id, candidate->url);
    }
    return sha256_hex(text);
}

Result<platform::Gathered> ask_them(const platform::Facts& facts, platform::Plan plan, const Root& root,
                                    const OutsideMeans& means) {
    boost::asio::io_context io(1);
    platform::FetchOptions options;
    options.deadline = means.patience;
    platform::Fetcher fetcher(options);
    platform::Access access{.facts = facts, .fetcher = fetcher, .endpoints = means.endpoints};
    // A seed on a file system may lead on to a server.
    access.mount = [&](const std::string& label) -> Result<std::string> {
        if (!means.mount) return fail(Kind::not_found, "nothing is mounted here");
        auto directory = TRY(means.mount(label));
        const auto text = sys::read_file(directory + "/meta-data", platform::kMaxBody).value_or("");
        if (text.contains("seedfrom") && is_remote(text.substr(std::min(text.find("http"), text.size()))) &&
            means.raise_network)
            TRY(means.raise_network());
        return directory;
    };
    access.firmware = means.firmware;
    access.files = root.at("/var/lib/diatom/config");
    return run_task(io, platform::gather(access, std::move(plan)));
}

}  // namespace

Outside look_outside(const InstanceStore& store, const Root& root, const OutsideMeans& means, Ask ask) {
    Outside outside;
    const auto facts = means.facts();
    auto plan = platform::identify(facts);
    const auto candidates = all_of(plan);
    if (candidates.empty()) {
        outside.warnings = std::move(plan.warnings);
        std::ignore = sys::remove_file(root.at("/run/diatom/instance-id"));
        return outside;
    }
    const auto looks = looks_of(facts, candidates);
    const bool remote = std::ranges::any_of(candidates, [](const Candidate* one) { return asks_a_server(*one); });
    const auto kept = store.last(looks);
    const auto take = [&](const Handed& handed) {
        outside.id = instance_id_of(handed);
        auto stored = store.keep(outside.id, handed);
        if (!stored) outside.problems.push_back(std::format("keep what was handed over: {}", stored.error().what()));
        outside.news = stored && *stored;
    };
    if (remote && kept && ask == Ask::as_needed) {
        outside.warnings = std::move(plan.warnings);
        outside.ask_again = true;
        take(*kept);
        return outside;
    }
    auto gathered = [&]() -> Result<platform::Gathered> {
        if (remote && means.raise_network) TRY(means.raise_network(), "raise the network");
        return ask_them(facts, std::move(plan), root, means);
    }();
    if (gathered) {
        outside.warnings = std::move(gathered->warnings);
        take({.looks = looks, .instances = std::move(gathered->instances)});
        return outside;
    }
    outside.problems.push_back(std::format("the platform could not be asked{}: {}",
                                           kept ? ", what it said before holds" : "", gathered.error().what()));
    if (kept) take(*kept);
    const auto parameters = platform::parse_parameters(facts.command_line);
    outside.owes_ignition = !kept && (!parameters.ignition_url.empty() || parameters.ignition_first_boot);
    outside.ask_again = remote;
    return outside;
}

bool must_report(const InstanceStore& store) {
    const auto handed = store.read(store.current());
    return handed && std::ranges::contains(handed->instances, Platform::azure, &platform::Instance::platform) &&
           !store.was_done(kReady);
}

Result<void> report_ready(const InstanceStore& store, const OutsideMeans& means) {
    if (!must_report(store)) return {};
    if (means.raise_network) TRY(means.raise_network());
    boost::asio::io_context io(1);
    platform::FetchOptions options;
    options.deadline = means.patience;
    platform::Fetcher fetcher(options);
    platform::Access access{.facts = means.facts(), .fetcher = fetcher, .endpoints = means.endpoints};
    TRY(run_task(io, platform::azure_ready(access)), "tell Azure that the machine is up");
    return store.set_done(kReady);
}

}  // namespace diatom::configure
