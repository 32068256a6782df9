// Brings a project up and down through Docker's API. What is there already and fits is left alone: containers, networks
// and volumes are recognised by docker compose's labels, whoever made them. Thread side: one thread; blocks.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "compose/container_spec.h"
#include "compose/containers.h"

namespace diatom::compose {

enum class Recreate : std::uint8_t { diverged, always, never };
enum class Orphans : std::uint8_t { tell, remove };

enum class Pull : std::uint8_t { missing, always, never };
enum class AnonymousVolumes : std::uint8_t { keep, renew };  // of a container that is made anew

struct UpOptions {
    Recreate recreate = Recreate::diverged;
    Orphans orphans = Orphans::tell;
    AnonymousVolumes volumes = AnonymousVolumes::keep;
    Pull pull = Pull::missing;
    bool start = true, wait = false;
    std::int64_t wait_timeout = 0;  // seconds for `wait`; 0: for ever
    std::map<std::string, int> scale;
};

enum class RemoveImages : std::uint8_t { none, local, all };  // local: those that no `image` names

struct DownOptions {
    std::set<std::string> services;  // empty: all, with networks, volumes and images
    Orphans orphans = Orphans::tell;
    RemoveImages images = RemoveImages::none;
    bool volumes = false;
    std::int64_t timeout = -1;  // seconds until a container is killed; -1: its own
};

// A container of a service for one command.
struct OneOff {
    std::string service, name;
    Value changed = Value::map(), host = Value::map();  // put onto the body and its HostConfig; lists are added to
    bool ports = false, aliases = false;                // as the service's own
};

class Runner {
public:
    // Told of each step: "Container", its name, "Started".
    using Report = std::function<void(std::string_view kind, std::string_view name, std::string_view what)>;

    Runner(const Client& client, const Project& project, Report report)
        : client_(client), project_(project), report_(std::move(report)) {}

    Result<void> up(const UpOptions& options);
    // What the service depends on, without itself, up and ready for it.
    Result<void> up_dependencies(const std::string& service, const UpOptions& options);
    // For who brings services up side by side, each by a Runner of its own: once what they share, then each of them,
    // when what it depends on has been started.
    Result<void> prepare_shared(Orphans orphans);
    Result<void> up_alone(const std::string& service, const UpOptions& options);
    Result<void> down(const DownOptions& options);
    enum class Failures : std::uint8_t { stop, tell };
    Result<void> pull(Failures failures = Failures::stop);
    Result<void> start(const std::set<std::string>& services);
    Result<void> stop(const std::set<std::string>& services, std::int64_t timeout);
    Result<void> restart(const std::set<std::string>& services, std::int64_t timeout);
    Result<void> remove_stopped(const std::set<std::string>& services, bool stop_first, bool volumes);

    Result<std::string> create_one_off(const OneOff& wanted);  // made, not started
    // Networks, volumes and images of the project's services.
    Result<void> prepare(Pull pull);

    std::vector<std::string> services_in_order() const;

private:
    Result<void> ensure_networks();
    Result<void> ensure_volumes();
    Result<void> ensure_image(const std::string& service, Pull pull);
    Result<void> pull_image(const std::string& image);

    Result<void> converge(const std::string& service, const UpOptions& options);
    Result<std::string> hash_of(const std::string& service) const;
    Result<ContainerPlan> plan(const std::string& service, int number);
    Result<std::string> create(const ContainerPlan& plan, Value body);
    Result<void> recreate(const Container& old, AnonymousVolumes volumes);
    Result<void> add_contents(const std::string& service, const std::string& id);
    Result<void> stop_container(const Container& container, std::int64_t timeout);
    Result<void> remove_container(const Container& container, bool volumes);
    Result<void> remove_orphans();
    Result<void> remove_networks();
    Result<void> remove_volumes();
    Result<void> remove_images(RemoveImages which);
    Result<void> start_service(const std::string& service);
    Result<void> await_dependencies(const std::string& service);
    Result<void> await(const Container& container, std::string_view condition);
    std::string_view lasting_condition(const std::string& service) const;
    Result<void> await_all();

    std::vector<Container> of_service(const std::string& service) const;
    Result<void> refresh();
    int scale_of(const std::string& service, const UpOptions& options) const;

    const Client& client_;
    const Project& project_;
    Report report_;
    std::vector<Container> containers_;             // of the project, as last listed
    std::map<std::string, std::string> image_ids_;  // by service
    std::int64_t deadline_ = 0;                     // monotonic ns, of what is waited for; 0: none
};

}  // namespace diatom::compose
