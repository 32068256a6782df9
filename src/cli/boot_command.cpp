#include <array>
#include <cstdio>

#include "cli/arguments.h"
#include "cli/boot_chart.h"
#include "cli/command.h"
#include "proc/supervisor.h"

namespace diatom::cli {
namespace {

constexpr std::size_t kBarColumns = 48;
constexpr std::array<OptionSpec, 1> kOptions{
    {{"--json", 'j', false, "a list of {name, begin_us, at_us}, microseconds since the kernel started"}}};

Result<void> run(std::span<char*> args) {
    const auto options = TRY(parse_arguments(args, kOptions));
    if (options.has("--help")) {
        std::fputs(usage("diatom boot [--json]", kOptions).c_str(), stdout);
        return {};
    }
    if (!options.rest.empty()) return fail(Kind::invalid, "unknown argument {}", options.rest.front());
    const auto timeline = TRY(proc::Supervisor().timeline());
    const auto marks = TRY(decode_marks(timeline));
    const auto text =
        options.has("--json") ? dump_json(encode_boot(marks), 2) + "\n" : draw_boot(boot_phases(marks), kBarColumns);
    std::fputs(text.c_str(), stdout);
    return {};
}

}  // namespace

int boot_command(std::span<char*> args) {
    auto done = run(args);
    return done ? 0 : report("boot", done.error());
}

}  // namespace diatom::cli
