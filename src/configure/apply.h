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

namespace diatom::configure {

enum class Phase : std::uint8_t { boot, late, live };

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
};

// `machine` is a whole, checked configuration. Reads what is there; changes nothing.
Plan plan(const Value& machine, Phase phase, const Root& root = {});

struct Outcome {
    std::size_t done = 0;
    std::vector<std::string> problems;  // "files.\"/etc/motd\": write /etc/motd: …"
};
Outcome carry_out(const Plan& plan);

// One domain each; they add to the plan.
void plan_host_name(const Value& machine, const Root& root, Plan& plan);
void plan_accounts(const Value& machine, const Root& root, Plan& plan);
void plan_ssh(const Value& machine, const Root& root, Plan& plan);
void plan_files(const Value& machine, Phase phase, const Root& root, Plan& plan);
void plan_sysctls(const Value& machine, const Root& root, Plan& plan);
void plan_certificates(const Value& machine, const Root& root, Plan& plan);
void plan_engine(const Value& machine, const Root& root, Plan& plan);
void plan_commands(const Value& machine, Phase phase, const Root& root, Plan& plan);

}  // namespace diatom::configure
