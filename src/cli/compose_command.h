// `diatom compose SUBCOMMAND`: what the subcommands share. Thread side: main thread.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "cli/arguments.h"
#include "compose/project.h"
#include "compose/runner.h"

namespace diatom::cli {

struct ComposeContext {
    compose::LoadOptions options;
};

struct ComposeCommand {
    std::string_view name, summary;
    // args[0] is the subcommand's name. The exit code of the program, where a container's own one is to be given.
    Result<int> (*run)(ComposeContext& context, std::span<char*> args);
};

Result<int> compose_config(ComposeContext& context, std::span<char*> args);
Result<int> compose_up(ComposeContext& context, std::span<char*> args);
Result<int> compose_down(ComposeContext& context, std::span<char*> args);
Result<int> compose_start(ComposeContext& context, std::span<char*> args);
Result<int> compose_stop(ComposeContext& context, std::span<char*> args);
Result<int> compose_restart(ComposeContext& context, std::span<char*> args);
Result<int> compose_rm(ComposeContext& context, std::span<char*> args);
Result<int> compose_pull(ComposeContext& context, std::span<char*> args);
Result<int> compose_ps(ComposeContext& context, std::span<char*> args);
Result<int> compose_ls(ComposeContext& context, std::span<char*> args);
Result<int> compose_logs(ComposeContext& context, std::span<char*> args);
Result<int> compose_exec(ComposeContext& context, std::span<char*> args);
Result<int> compose_run(ComposeContext& context, std::span<char*> args);

// Reads the project, prints its warnings.
Result<compose::Project> load_compose(const ComposeContext& context);
Result<compose::Client> compose_client(const ComposeContext& context);

// " Container web-1  Started" on standard error.
void report_step(std::string_view kind, std::string_view name, std::string_view what);

// The options of a subcommand; --help is answered here, and gives nothing.
Result<std::optional<Arguments>> compose_arguments(std::span<char*> args, std::span<const OptionSpec> specs,
                                                   std::string_view line, Order order = Order::mixed);

// The containers of these services, or of all.
Result<std::vector<compose::Container>> chosen_containers(const compose::Client& client,
                                                          const compose::Project& project,
                                                          const std::vector<std::string>& services);

struct LogQuery {
    bool follow = false, timestamps = false, prefix = true;
    std::string tail = "all", since, until;
    bool until_one_ends = false;  // when following
};
// Of --build: what there is instead.
Failure refuse_build();

// Prints what the containers say, line by line, until all have said it, or (when following) ended, or SIGINT or SIGTERM
// comes; true: a signal came.
Result<bool> print_logs(const compose::Client& client, const std::vector<compose::Container>& containers,
                        const LogQuery& query);

enum class Terminal : std::uint8_t { no, yes };

}  // namespace diatom::cli
