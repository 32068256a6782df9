#include "platform/gather.h"

#include <format>

namespace diatom::platform {
namespace {

std::string named(const Candidate& candidate) {
    return std::format("{} ({})", to_string(candidate.platform), candidate.reason);
}

void take(Gathered& gathered, Instance instance) {
    for (const auto& warning : instance.warnings) gathered.warnings.push_back(warning);
    gathered.instances.push_back(std::move(instance));
}

// All of them count.
Task<void> read_all_of(Access& access, std::vector<Candidate> candidates, Gathered& gathered) {
    for (const auto& candidate : candidates) {
        auto read = co_await read_source(access, candidate);
        auto instance = CO_TRY(std::move(read), "{}", named(candidate));
        take(gathered, std::move(instance));
    }
    co_return Result<void>{};
}

// The first that is there counts.
Task<void> read_one_of(Access& access, std::vector<Candidate> candidates, Gathered& gathered) {
    for (const auto& candidate : candidates) {
        auto read = co_await read_source(access, candidate);
        if (!read && read.error().kind() == Kind::not_found) {
            gathered.warnings.push_back(std::format("{}: {}", named(candidate), read.error().what()));
            continue;
        }
        auto instance = CO_TRY(std::move(read), "{}", named(candidate));
        take(gathered, std::move(instance));
        break;
    }
    co_return Result<void>{};
}

}  // namespace

Task<Instance> read_source(Access& access, Candidate candidate) {
    using Read = Task<Instance> (*)(Access&, Candidate);
    const Read read = [&]() -> Read {
        switch (candidate.platform) {
            case Platform::none: return nullptr;
            case Platform::nocloud: return read_nocloud;
            case Platform::config_drive: return read_config_drive;
            case Platform::openstack: return read_openstack;
            case Platform::ec2: return read_ec2;
            case Platform::gce: return read_gce;
            case Platform::azure: return read_azure;
            case Platform::digitalocean: return read_digitalocean;
            case Platform::hetzner: return read_hetzner;
            case Platform::vmware: return read_vmware;
            case Platform::firmware: return read_firmware;
            case Platform::file: return read_files;
            case Platform::url: return read_url;
        }
        return nullptr;
    }();
    if (read == nullptr) co_return fail(Kind::not_found, "no platform");
    const auto platform = candidate.platform;
    const auto cloud = candidate.cloud;
    auto result = co_await read(access, std::move(candidate));
    auto instance = CO_TRY(std::move(result));
    instance.platform = platform;
    if (instance.cloud.empty()) instance.cloud = cloud.empty() ? std::string(to_string(platform)) : cloud;
    co_return std::move(instance);
}

Task<Gathered> gather(Access& access, Plan plan) {
    Gathered gathered{.instances = {}, .warnings = plan.warnings};
    auto below = co_await read_all_of(access, std::move(plan.below), gathered);
    CO_TRY(std::move(below));
    auto platform = co_await read_one_of(access, std::move(plan.platform), gathered);
    CO_TRY(std::move(platform));
    auto above = co_await read_all_of(access, std::move(plan.above), gathered);
    CO_TRY(std::move(above));
    co_return std::move(gathered);
}

Result<std::vector<Url>> servers_of(const std::vector<std::string>& texts) {
    std::vector<Url> servers;
    for (const auto& text : texts) servers.push_back(TRY(Url::parse(text)));
    return servers;
}

Result<std::string> mounted(const Access& access, const Candidate& candidate) {
    if (candidate.label.empty() || !access.mount)
        return fail(Kind::not_found, "no file system with its label is there");
    return TRY(access.mount(candidate.label), "mount the file system labelled {}", candidate.label);
}

}  // namespace diatom::platform
