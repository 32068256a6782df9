#include "cli/command.h"

#ifdef DIATOM_ENGINE

#include <string>

#include "api/server.h"
#include "base/strings.h"
#include "config/boot_config.h"
#include "config/engine_config.h"

namespace diatom::cli {
namespace {
}  // namespace
}  // namespace diatom::cli

#else

namespace diatom::cli {

int engine_command(std::span<char*>) {
    return report("engine", Error(Kind::unsupported, "this build has no engine (DIATOM_ENGINE is off)"));
}

}  // namespace diatom::cli

#endif
