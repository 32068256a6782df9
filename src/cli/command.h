// The names this program answers to: argv[0] ("poweroff", "/sbin/init") or the first argument ("diatom status").
// Thread side: main thread, before anything else runs.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/error.h"

namespace diatom::cli {

enum class Shown : std::uint8_t {
    always,  // in --help
    hidden,  // a part of the machine, not for people
};
enum class Linked : std::uint8_t {
    no,
    sbin,  // the image has a link /usr/sbin/NAME to the program; `diatom --names` lists them
};

struct Command {
    std::string_view name, summary;
    int (*run)(std::span<char*> args);  // args[0] is the command's name; returns the exit code
    Shown shown = Shown::always;
    Linked linked = Linked::no;
};

std::span<const Command> commands();
const Command* find_command(std::string_view name);

std::string_view base_name(std::string_view path);  // what follows the last slash

// Chooses the command and runs it.
int dispatch(int argc, char** argv);

// Prints "diatom NAME: message" to standard error and gives the exit code that the kind means.
int report(std::string_view name, const Error& error);
int exit_code(Kind kind) noexcept;

// One command each.
int engine_command(std::span<char*> args);
int adopt_command(std::span<char*> args);
int status_command(std::span<char*> args);
int cloud_init_command(std::span<char*> args);
int ros_command(std::span<char*> args);
int system_docker_command(std::span<char*> args);
int tls_command(std::span<char*> args);
int service_command(std::span<char*> args);
int system_command(std::span<char*> args);
int config_command(std::span<char*> args);
int boot_command(std::span<char*> args);
int logs_command(std::span<char*> args);
int keep_last_logs();
int compose_command(std::span<char*> args);
int console_command(std::span<char*> args);
int power_command(std::span<char*> args);
int runtime_command(std::span<char*> args);
int version_command(std::span<char*> args);

}  // namespace diatom::cli
