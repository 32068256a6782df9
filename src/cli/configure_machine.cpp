#include "cli/configure_machine.h"

#include <unistd.h>

#include <cstdio>
#include <exception>

#include "cli/adopt_machine.h"
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

// An adoption that a power cut ended is brought to its end once the user engine is there.
Result<void> await_adoption() {
    const auto record = TRY(adoption_of_machine().record());
    if (record && record->phase != adopt::Phase::taken) TRY(configure::come_back_late());
    return {};
}

int tell(const Result<void>& done) {
    const int code = done ? 0 : say("error", {done.error().what()});
    std::fflush(stdout);
    return code;
}

}  // namespace

int configure_machine() {
    const int code = report([] { return configure::configure_at_boot(); });
    return code | tell(await_adoption());
}

int configure_machine_late() {
    // The first boot's commands are there to use it.
    for (int i = 0; i < kPatienceS && !http_get(kUserEngine, "/version"); ++i) ::sleep(1);
    const int code = report([] { return configure::configure_late(); });
    return code | tell(adoption_of_machine().settle().transform([](bool) {}));
}

}  // namespace diatom::cli
