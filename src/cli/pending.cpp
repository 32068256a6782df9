#include "cli/command.h"

namespace diatom::cli {

int console_command(std::span<char*>) { return report("console", Error(Kind::unsupported, "not in this build")); }
int status_command(std::span<char*>) { return report("status", Error(Kind::unsupported, "not in this build")); }
int boot_command(std::span<char*>) { return report("boot", Error(Kind::unsupported, "not in this build")); }
int logs_command(std::span<char*>) { return report("logs", Error(Kind::unsupported, "not in this build")); }
int power_command(std::span<char*> args) { return report(args[0], Error(Kind::unsupported, "not in this build")); }

}  // namespace diatom::cli
