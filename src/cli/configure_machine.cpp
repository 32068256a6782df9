#include "cli/configure_machine.h"

#include <unistd.h>

#include <cstdio>
#include <exception>

#include "cli/http_get.h"
#include "configure/apply.h"
#include "configure/gather.h"

namespace diatom::cli {
namespace {

constexpr const char* kUserEngine = "/run/docker.sock";
constexpr int kPatienceS = 300;

int say(const char* level, const std::vector<std::string>& lines) {
    for (const auto& line : lines) std::printf("%s: %s\n", level, line.c_str());
    return lines.empty() ? 0 : 1;
}

int configure(configure::Phase phase) {
    try {
        const auto gathered = configure::gather();
        const auto plan = configure::plan(gathered.layers.merged(), phase);
        // What is wrong with the sources was said before the engines started.
        if (phase == configure::Phase::boot) say("warning", gathered.warnings);
        say("warning", plan.warnings);
        const int code = say("error", configure::carry_out(plan).problems);
        std::fflush(stdout);
        return code;
    } catch (const std::exception& e) {
        std::printf("error: %s\n", e.what());
        std::fflush(stdout);
        return 1;
    }
}

}  // namespace

int configure_machine() { return configure(configure::Phase::boot); }

int configure_machine_late() {
    // The first boot's commands are there to use it.
    for (int i = 0; i < kPatienceS && !http_get(kUserEngine, "/version"); ++i) ::sleep(1);
    return configure(configure::Phase::late);
}

}  // namespace diatom::cli
