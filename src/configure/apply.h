// Making a machine what its configuration says. First everything is planned, then it is done; what fails is said, and
// does not keep the rest from being done. Running it again changes nothing that is as it should be. Thread side: any;
// blocks.
//
//   boot   PID 1, once the state partition is there and before the engines start
//   late   when the user engine is up: the first boot's commands
//   live   `diatom config apply` on a running machine
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "document/value.h"

namespace diatom::cloud {
struct Part;
}

namespace diatom::configure {

class Fetching;
struct Accounts;

enum class Phase : std::uint8_t { boot, late, live };

// There is something to do late in this boot, and: it was done.
inline constexpr const char* kLate = "/run/diatom/config/late";
inline constexpr const char* kLateDone = "/run/diatom/config/late-done";

// Where the machine's files are: tests have a directory of their own.
struct Root {
    std::string path;  // put before every path; empty on the machine
    std::string at(std::string_view file) const { return path + std::string(file); }
    bool is_machine() const noexcept { return path.empty(); }
};

struct Step {
    std::string key;   // "files.\"/etc/motd\"": what it comes from
    std::string what;  // "write /etc/motd"
    std::function<Result<void>()> run;
};

struct Plan {
    std::vector<Step> steps;
    std::vector<std::string> warnings;
    std::vector<std::string> refused;  // keys that no step can make true, and why
};

// What there is beside the document.
struct Beside {
    const std::vector<cloud::Part>* scripts = nullptr;  // of user-data
    Fetching* fetching = nullptr;                       // nothing can be fetched without
    std::string platform = {};                          // who handed something over: "nocloud"
};

// `machine` is a whole, checked configuration. Reads what is there; changes nothing.
Plan plan(const Value& machine, Phase phase, const Root& root = {}, const Beside& beside = {});

// What of it nothing here makes true, each with its place and why: "FILE:LINE: users.core.sudo: …".
std::vector<std::string> not_applied(const Value& machine);

struct Outcome {
    std::size_t done = 0;
    std::vector<std::string> problems;  // "files.\"/etc/motd\": write /etc/motd: …"
};
Outcome carry_out(const Plan& plan);

// Does something once in the life of an instance, and remembers that it was done: after it, so that what a power cut
// ends is done again.
bool was_done(const Root& root, std::string_view name);
Step remember_done(const Root& root, std::string key, std::string name);

// The root is read-only: /home, /mnt, /opt, /srv and /usr/local are kept on the state partition, and mounted there
// before anything else is done. Services have copies of the machine's mounts: what is mounted later is not seen by
// them.
void plan_places(const Root& root, Plan& plan);

// What a file is fetched from is kept on the state partition.
std::string kept_file(const Root& root, const std::string& source, const std::string& digest);

Accounts image_accounts(const Root& root);

// The machine's programs, with what a command of the configuration finds in its environment. Argument vectors.
std::vector<std::string> command_words(const Value& command);
std::vector<std::string> command_environment(const Value& machine);
Result<void> run_command(std::vector<std::string> words, std::vector<std::string> environment);

// One domain each; they add to the plan.
void plan_host_name(const Value& machine, const Root& root, Plan& plan);
void plan_accounts(const Value& machine, const Root& root, Plan& plan);
void plan_ssh(const Value& machine, const Root& root, Plan& plan);
void plan_files(const Value& machine, Phase phase, const Root& root, Fetching* fetching, Plan& plan);
void plan_sysctls(const Value& machine, const Root& root, Plan& plan);
void plan_certificates(const Value& machine, const Root& root, Plan& plan);
void plan_engine(const Value& machine, const Root& root, Plan& plan);
void plan_time(const Value& machine, const Root& root, Plan& plan);
void plan_console(const Value& machine, const Root& root, Plan& plan);
void plan_watchdog(const Value& machine, Phase phase, const Root& root, Plan& plan);
void plan_logs(const Value& machine, const Root& root, Plan& plan);
void plan_services(const Value& machine, const Root& root, Plan& plan);
void plan_disks(const Value& machine, Phase phase, const Root& root, Plan& plan);
void plan_mounts(const Value& machine, Phase phase, const Root& root, Plan& plan);
void plan_swap(const Value& machine, const Root& root, Plan& plan);
void plan_commands(const Value& machine, Phase phase, const Root& root, Plan& plan);
void plan_scripts(const Value& machine, Phase phase, const Root& root, const std::vector<cloud::Part>& scripts,
                  Plan& plan);
void plan_end(const Value& machine, const Root& root, const std::string& platform, Plan& plan);

}  // namespace diatom::configure
