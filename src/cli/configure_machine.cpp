#include "cli/configure_machine.h"

#include <unistd.h>

#include <cstdio>
#include <exception>

#include "cli/http_get.h"
#include "configure/boot.h"

namespace diatom::cli {
namespace {

constexpr const char* kUserEngine = "/run/docker.sock";
constexpr int kPatienceS = 300;

int say(const char* level, const std::vector<std::string>& lines) {
    for (const auto& line : lines) {
        // One line each: what a program said may have several.
        std::string flat = line;
        for (auto& c : flat) c = c == '\n' ? ' ' : c;
        std::printf("%s: %s\n", level, flat.c_str());
    }
    return lines.empty() ? 0 : 1;
}

int report(configure::Said (*run)()) {
    int code = 1;
    try {
        const auto said = run();
        say("warning", said.warnings);
        code = say("error", said.problems) | say("fatal", said.fatal);
    } catch (const std::exception& e) {
        std::printf("error: %s\n", e.what());
    }
    std::fflush(stdout);
    return code;
}

}  // namespace

int configure_machine() {
    return report([] { return configure::configure_at_boot(); });
}

int configure_machine_late() {
    // The first boot's commands are there to use it.
    for (int i = 0; i < kPatienceS && !http_get(kUserEngine, "/version"); ++i) ::sleep(1);
    return report([] { return configure::configure_late(); });
}

}  // namespace diatom::cli
