// `diatom config`: what this machine's configuration says, why, and how to change it.
#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <string>

#include "base/strings.h"
#include "cli/arguments.h"
#include "cli/check_document.h"
#include "cli/command.h"
#include "cli/config_show.h"
#include "cli/configure_machine.h"
#include "cli/own_configuration.h"
#include "configure/apply.h"
#include "configure/gather.h"
#include "configure/instance_store.h"
#include "document/yaml_reader.h"
#include "machine/check.h"
#include "machine/json_schema.h"
#include "machine/store.h"
#include "sys/file.h"

namespace diatom::cli {
namespace {

using machine::Path;
using Words = std::vector<std::string>;

constexpr std::array<OptionSpec, 3> kOptions{{
    {"--json", 'j', false, "print JSON instead of YAML"},
    {"--secrets", 0, false, "print secrets, too"},
    {"--dry-run", 'n', false, "apply: say what would be done"},
}};
constexpr const char* kUsage =
    "diatom config COMMAND\n"
    "  get [PATH]          what holds\n"
    "  why PATH            everyone who says something of it, and who is heard\n"
    "  set PATH VALUE      change the machine's own file; VALUE is YAML\n"
    "  unset PATH\n"
    "  merge FILE          put a file's keys into it (- reads standard input)\n"
    "  apply               make the machine what its configuration says, as far as a running one can be changed\n"
    "  validate FILE       say what is wrong with a file: of these keys, cloud-config, Ignition or Butane\n"
    "  export              the machine's own file\n"
    "  schema              the JSON Schema of all keys\n"
    "  diff [NUMBER]       what changed since a revision (the last)\n"
    "  history             revisions, the newest first\n"
    "  rollback [NUMBER]   the machine's own file as it was in a revision (the last)";

struct Request {
    Arguments options;
    Words words;  // behind the command
    bool json() const { return options.has("--json"); }
    Value shown(const Value& value) const { return options.has("--secrets") ? value : machine::without_secrets(value); }
};

void print(const std::string& text) { std::fputs(text.c_str(), stdout); }

void warn(const std::vector<std::string>& warnings) {
    for (const auto& warning : warnings) std::fprintf(stderr, "diatom config: warning: %s\n", warning.c_str());
}

Result<int> get(const Request& request) {
    const auto gathered = configure::gather();
    warn(gathered.warnings);
    warn(gathered.refused);
    const auto merged = request.shown(gathered.layers.merged());
    const auto path = TRY(machine::parse_path(request.words.empty() ? "" : request.words[0]));
    const auto* value = path.find(merged);
    if (value == nullptr)
        return fail(Kind::not_found, "{} is not set: `diatom config schema` lists all keys", path.text());
    print(show_value(*value, request.json()));
    return 0;
}

Result<int> why(const Request& request) {
    if (request.words.size() != 1) return fail(Kind::invalid, "usage: diatom config why PATH");
    const auto gathered = configure::gather();
    warn(gathered.warnings);
    const auto path = TRY(machine::parse_path(request.words[0]));
    const auto opinions = gathered.layers.why(path);
    if (opinions.empty()) return fail(Kind::not_found, "nobody says anything of {}", path.text());
    print(show_opinions(opinions, path, request.json(), request.options.has("--secrets")));
    return 0;
}

// Who is heard instead, where the machine's own file is not.
void warn_unless_heard(const Path& path) {
    const auto opinions = configure::gather().layers.why(path);
    const auto file = machine::Store().file();
    const bool heard =
        std::ranges::any_of(opinions, [&](const auto& opinion) { return opinion.holds && opinion.source == file; });
    if (!heard && !opinions.empty())
        warn({std::format("{} says something else of {} and is heard", opinions.back().source, path.text())});
}

Result<int> change(std::string_view what, const std::function<Result<void>(Value&)>& edit) {
    TRY(change_configuration(what, edit));
    return 0;
}

Result<int> set(const Request& request) {
    if (request.words.size() != 2) return fail(Kind::invalid, "usage: diatom config set PATH VALUE");
    const auto path = TRY(machine::parse_path(request.words[0]));
    const auto read = TRY(machine::read_document("value: " + request.words[1], "VALUE"));
    const int code =
        TRY(change("set " + path.text(), [&](Value& document) { return path.set(document, read.at("value")); }));
    warn_unless_heard(path);
    return code;
}

Result<int> unset(const Request& request) {
    if (request.words.size() != 1) return fail(Kind::invalid, "usage: diatom config unset PATH");
    const auto path = TRY(machine::parse_path(request.words[0]));
    return change("unset " + path.text(), [&](Value& document) -> Result<void> {
        if (!path.erase(document))
            return fail(Kind::not_found, "{} is not set in {}", path.text(), machine::Store().file());
        return {};
    });
}

Result<std::string> text_of(const std::string& file) {
    return file == "-" ? sys::read_all(FdRef(0), kMaxDocument + 1) : sys::read_file(file, kMaxDocument + 1);
}

std::string shown(const std::string& file) { return file == "-" ? "standard input" : file; }

Result<int> merge(const Request& request) {
    if (request.words.size() != 1) return fail(Kind::invalid, "usage: diatom config merge FILE");
    const auto more = TRY(machine::read_document(TRY(text_of(request.words[0])), shown(request.words[0])));
    TRY(machine::require_valid(more));
    return change("merge " + request.words[0], [&](Value& document) -> Result<void> {
        document = machine::merge(std::move(document), more);
        return {};
    });
}

Result<int> validate(const Request& request) {
    if (request.words.size() != 1) return fail(Kind::invalid, "usage: diatom config validate FILE");
    const auto checked = TRY(check_document(TRY(text_of(request.words[0])), shown(request.words[0])));
    for (const auto& mistake : checked.mistakes) print(mistake + "\n");
    warn(checked.notes);
    return checked.mistakes.empty() ? 0 : 1;
}

Result<int> export_own(const Request& request) {
    print(show_value(request.shown(TRY(machine::Store().own())), request.json()));
    return 0;
}

Result<int> schema(const Request&) {
    print(dump_json(machine::json_schema(), 2) + "\n");
    return 0;
}

// The revision that a command names, or the last.
Result<unsigned> revision_of(const Request& request) {
    if (!request.words.empty()) {
        const auto number = parse_uint(request.words[0]);
        if (!number || *number > 999'999) return fail(Kind::invalid, "{} is no number of a revision", request.words[0]);
        return static_cast<unsigned>(*number);
    }
    const auto history = TRY(machine::Store().history());
    if (history.empty()) return fail(Kind::not_found, "the configuration has not been changed yet");
    return history.front().number;
}

Result<int> diff(const Request& request) {
    const machine::Store store;
    const auto before = TRY(store.revision(TRY(revision_of(request))));
    print(show_differences(request.shown(before), request.shown(TRY(store.own()))));
    return 0;
}

Result<int> history(const Request& request) {
    print(show_history(TRY(machine::Store().history()), request.json()));
    return 0;
}

Result<int> rollback(const Request& request) {
    const auto number = TRY(revision_of(request));
    const auto before = TRY(machine::Store().revision(number));
    return change(std::format("roll back to {}", number), [&](Value& document) -> Result<void> {
        document = before;
        return {};
    });
}

Result<int> apply(const Request& request) {
    const auto gathered = configure::gather();
    warn(gathered.warnings);
    warn(gathered.refused);
    const configure::InstanceStore store;
    configure::Fetching fetching(
        {.look = configure::Look::kept_first, .directory = store.directory(store.current()), .raise_network = {}});
    const auto plan = configure::plan(gathered.layers.merged(), configure::Phase::live, {}, {.fetching = &fetching});
    warn(plan.warnings);
    warn(plan.refused);
    if (request.options.has("--dry-run")) {
        for (const auto& step : plan.steps) print(std::format("{}: {}\n", step.key, step.what));
        return 0;
    }
    const auto outcome = configure::carry_out(plan);
    for (const auto& problem : outcome.problems) std::fprintf(stderr, "diatom config: %s\n", problem.c_str());
    print(std::format("{} of {} steps done\n", outcome.done, plan.steps.size()));
    return outcome.problems.empty() ? 0 : 1;
}

Result<int> late(const Request&) { return configure_machine_late(); }

struct Subcommand {
    std::string_view name;
    Result<int> (*run)(const Request& request);
};
constexpr std::array<Subcommand, 13> kSubcommands{{
    {"get", get},
    {"why", why},
    {"set", set},
    {"unset", unset},
    {"merge", merge},
    {"apply", apply},
    {"validate", validate},
    {"export", export_own},
    {"schema", schema},
    {"diff", diff},
    {"history", history},
    {"rollback", rollback},
    {"late", late},  // of the service `configure`
}};

Result<int> run(std::span<char*> args) {
    Request request{TRY(parse_arguments(args, kOptions)), {}};
    if (request.options.has("--help")) {
        print(usage(kUsage, kOptions));
        return 0;
    }
    auto& words = request.options.rest;
    if (words.empty()) return fail(Kind::invalid, "usage: {}", kUsage);
    const auto found = std::ranges::find(kSubcommands, words[0], &Subcommand::name);
    if (found == kSubcommands.end())
        return fail(Kind::invalid, "config has no command {}; usage: {}", words[0], kUsage);
    request.words.assign(words.begin() + 1, words.end());
    return found->run(request);
}

}  // namespace

int config_command(std::span<char*> args) {
    const auto code = run(args);
    return code ? *code : report("config", code.error());
}

}  // namespace diatom::cli
