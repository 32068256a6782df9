// Passwords that have expired: the service that takes others, and the shell of who must choose one. Thread side: main.
#pragma once

#include <span>

namespace diatom::cli {

int passwords_command(std::span<char*> args);
int choose_password_command(std::span<char*> args);

}  // namespace diatom::cli
