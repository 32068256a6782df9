// `diatom adopt`: what another system left on a disk, taken into this machine.
#include <linux/magic.h>
#include <sys/statfs.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/strings.h"
#include "cli/adopt_machine.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/service_parts.h"
#include "cli/table.h"

namespace diatom::cli {
namespace {

constexpr const char* kState = "/var/lib/diatom";
constexpr std::array<OptionSpec, 3> kOptions{{
    {"--device", 0, true, "the disk or partition (the file system with the label RANCHER_STATE)"},
    {"--without", 0, true, "a volume that stays where it is; again for more"},
    {"--dry-run", 'n', false, "say what would be taken"},
}};
constexpr const char* kUsage =
    "diatom adopt COMMAND\n"
    "  rancheros   take the configuration, the volumes, /home and /opt of a RancherOS; its disk is only read\n"
    "  status      what was taken and not confirmed yet\n"
    "  confirm     keep it: it can no longer be undone\n"
    "  undo        the machine as it was: what was taken goes, with what was written to it since";

void print(const std::string& line) { std::puts(line.c_str()); }

void print_left(const adopt::Survey& survey) {
    for (const auto& container : survey.containers)
        print(std::format("not taken: container {} of {}: start it anew, its volumes have kept their names",
                          container.name, container.image));
    if (!survey.images.empty())
        print(
            std::format("not taken: images {}: `docker pull` them; where there is no registry, `docker save` on "
                        "RancherOS and `docker load` here",
                        join(survey.images, ", ")));
    for (const auto& left : survey.left) print(std::format("not taken: {}: {}", left.what, left.why));
}

void print_offer(const adopt::Offer& offer) {
    const auto& survey = offer.survey;
    print(std::format("RancherOS on {} (UUID {}){}", offer.disk.device, offer.disk.uuid,
                      survey.docker.empty() ? "" : ", its Docker in /" + survey.docker));
    std::vector<std::string> keys;
    for (const auto& [key, value] : survey.configuration.members()) keys.push_back(key);
    print(std::format("configuration: {}", keys.empty() ? "nothing" : join(keys, ", ")));
    std::vector<std::array<std::string, 3>> rows;
    for (const auto& found : survey.volumes)
        rows.push_back({"volume", found.volume.name,
                        found.path.empty() ? "mounted when it is used" : format_bytes(found.extent.bytes)});
    for (const auto& entry : survey.entries)
        rows.push_back({"directory", "/" + entry.path, format_bytes(entry.extent.bytes)});
    print_rows(rows);
    print_left(survey);
    print(std::format("copies take {} of {} that are free", format_bytes(survey.extent().bytes),
                      format_bytes(offer.room)));
}

// Volumes are put where this engine has them.
Result<void> require_own_engine() {
    const auto info = TRY(engine_of(service::Scope::user).get("/info"), "ask the user engine");
    const auto root = TRY(json_string(info, "DockerRootDir"));
    if (root == std::string(kState) + "/user") return {};
    return fail(Kind::unsupported, "the user engine is another one ({}): `diatom engine switch default` first", root);
}

Result<void> require_disk() {
    struct statfs about{};
    if (::statfs(kState, &about) == 0 && about.f_type != TMPFS_MAGIC) return {};
    return fail(Kind::unsupported,
                "this machine keeps its state in memory, and would lose all of it at the next boot: "
                "give it a state partition (diatom.state.autoformat)");
}

Result<int> rancheros(const Arguments& arguments) {
    TRY(require_disk());
    TRY(require_own_engine());
    const auto names = arguments.values("--without");
    const auto adoption = adoption_of_machine();
    const auto offer = TRY(
        adoption.offer(TRY(adopt::open_old_disk(arguments.value("--device"), kState)), {names.begin(), names.end()}));
    for (const auto& warning : offer.survey.warnings)
        std::fputs(std::format("diatom adopt: warning: {}\n", warning).c_str(), stderr);
    print_offer(offer);
    std::fflush(stdout);
    if (arguments.has("--dry-run")) return 0;
    TRY(adoption.take(offer));
    print(
        "Taken. The volumes are there now; the configuration holds from the next boot on, or as far as a running "
        "machine can be changed, after `diatom config apply`.");
    print("`diatom adopt confirm` keeps it, `diatom adopt undo` takes it back.");
    return 0;
}

void print_record(const adopt::Record& record) {
    std::vector<std::array<std::string, 2>> rows;
    for (const auto& volume : record.volumes) rows.push_back({"volume", volume.name});
    for (const auto& entry : record.entries) rows.push_back({"directory", "/" + entry});
    print_rows(rows);
}

Result<int> status(const Arguments&) {
    const auto record = TRY(adoption_of_machine().record());
    if (!record) {
        print("nothing is adopted that waits to be confirmed");
        return 0;
    }
    const bool waits = record->phase == adopt::Phase::taken;
    print(std::format(
        "RancherOS on {} (UUID {}), {}: {}", record->device, record->uuid, record->at,
        waits ? "taken, and not confirmed" : std::format("interrupted while {}", to_string(record->phase))));
    print_record(*record);
    print(waits ? "`diatom adopt confirm` keeps it, `diatom adopt undo` takes it back"
                : "the next boot, or the next `diatom adopt`, brings it to its end");
    return 0;
}

Result<int> confirm(const Arguments&) {
    const auto record = TRY(adoption_of_machine().confirm());
    print(std::format("What RancherOS had on {} is this machine's, and is no longer undone.", record.device));
    return 0;
}

Result<int> undo(const Arguments&) {
    TRY(adoption_of_machine().undo());
    print(
        "The machine is as it was; its configuration of before holds from the next boot on, or after `diatom config "
        "apply`.");
    return 0;
}

struct Subcommand {
    std::string_view name;
    Result<int> (*run)(const Arguments& arguments);
};
constexpr std::array<Subcommand, 4> kSubcommands{{
    {"rancheros", rancheros},
    {"status", status},
    {"confirm", confirm},
    {"undo", undo},
}};

Result<int> run(std::span<char*> args) {
    const auto arguments = TRY(parse_arguments(args, kOptions));
    if (arguments.has("--help")) {
        std::fputs(usage(kUsage, kOptions).c_str(), stdout);
        return 0;
    }
    const auto name = arguments.rest.size() == 1 ? arguments.rest[0] : std::string();
    const auto found = std::ranges::find(kSubcommands, name, &Subcommand::name);
    if (found == kSubcommands.end()) return fail(Kind::invalid, "usage: {}", kUsage);
    return found->run(arguments);
}

}  // namespace

int adopt_command(std::span<char*> args) {
    const auto code = run(args);
    return code ? *code : report("adopt", code.error());
}

}  // namespace diatom::cli
