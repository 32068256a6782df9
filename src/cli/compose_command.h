// `diatom compose SUBCOMMAND`: what the subcommands share. Thread side: main thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "cli/arguments.h"
#include "compose/project.h"

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

// Reads the project, prints its warnings.
Result<compose::Project> load_compose(const ComposeContext& context);

}  // namespace diatom::cli
