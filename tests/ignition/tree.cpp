// A machine's first boot in a directory, with an Ignition document from its firmware: what test_tree.py compares with
// what Debian's ignition makes. Prints what is said; ends with 1 where the boot would stop.
//   ignition_tree ROOT            ROOT/run/firmware/by_name/opt/com.coreos/config/raw is the document
//   ignition_tree --butane FILE   prints the Ignition that a Butane document becomes
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "configure/boot.h"
#include "ignition/ignition.h"
#include "sys/file.h"

namespace {

using namespace diatom;

void say(const char* level, const std::vector<std::string>& lines) {
    for (const auto& line : lines) std::printf("%s: %s\n", level, line.c_str());
}

// The machine's own links lead to its own files: it must be the root here, too.
int boot(const char* directory) {
    if (::chroot(directory) < 0 || ::chdir("/") < 0) {
        std::perror(directory);
        return 2;
    }
    configure::OutsideMeans means;
    means.facts = [] { return platform::Facts{.firmware_items = {"opt/com.coreos/config"}}; };
    means.mount = [](const std::string& label) -> Result<std::string> {
        return fail(Kind::not_found, "no file system is labelled {}", label);
    };
    means.raise_network = []() -> Result<void> { return {}; };
    means.firmware = "/run/firmware";
    const auto said = configure::configure_at_boot(means, {"/"});
    say("warning", said.warnings);
    say("problem", said.problems);
    say("fatal", said.fatal);
    return said.fatal.empty() ? 0 : 1;
}

int print_ignition(const std::string& file) {
    const auto text = sys::read_file(file);
    if (!text) {
        say("fatal", {text.error().what()});
        return 2;
    }
    const auto config = ignition::read_butane(*text, file);
    if (config.ok()) std::puts(to_json(config.document, JsonStyle::indented).c_str());
    else say("fatal", config.report.problems);
    return config.ok() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    const bool butane = argc == 3 && std::string_view(argv[1]) == "--butane";
    if (argc != 2 && !butane) {
        std::fputs("usage: ignition_tree ROOT, or --butane FILE\n", stderr);
        return 2;
    }
    try {
        return butane ? print_ignition(argv[2]) : boot(argv[1]);
    } catch (const std::exception& e) {
        std::printf("fatal: %s\n", e.what());
        return 1;
    }
}
