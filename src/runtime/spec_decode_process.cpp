// The member "process" of config.json, which is also what exec takes.
#include "runtime/names.h"
#include "runtime/spec_decode.h"

namespace diatom::runtime {
namespace {

constexpr std::uint64_t kMaxTerminalSize = 65535;

Result<User> decode_user(const Section& process) {
    const auto section = TRY(process.child("user", {{"uid", "gid", "umask", "additionalGids", "username"}}));
    if (section.has("username")) {
        return fail(Kind::unsupported, "{} belongs to other systems: give uid and gid", section.path_of("username"));
    }
    User user;
    user.uid = TRY(section.natural32("uid"));
    user.gid = TRY(section.natural32("gid"));
    if (section.has("umask")) user.umask = static_cast<std::uint32_t>(TRY(section.natural("umask", 0, 07777)));
    for (const auto& item : TRY(section.items("additionalGids"))) {
        const Json wrapped{{"gid", *item.value}};
        const auto gid = TRY(Section::open(wrapped, item.path, {{"gid"}}));
        user.additional_gids.push_back(TRY(gid.natural32("gid")));
    }
    return user;
}

Result<Capabilities> decode_capabilities(const Section& process) {
    const auto section =
        TRY(process.child("capabilities", {{"bounding", "effective", "inheritable", "permitted", "ambient"}}));
    return Capabilities{.bounding = TRY(section.strings("bounding")),
                        .effective = TRY(section.strings("effective")),
                        .inheritable = TRY(section.strings("inheritable")),
                        .permitted = TRY(section.strings("permitted")),
                        .ambient = TRY(section.strings("ambient"))};
}

Result<Rlimit> decode_rlimit(const Section::Item& item) {
    const auto section = TRY(item.open({{"type", "soft", "hard"}}));
    return Rlimit{
        .type = TRY(section.text("type")), .soft = TRY(section.natural("soft")), .hard = TRY(section.natural("hard"))};
}

Result<IoPriority> decode_io_priority(const Section& process) {
    const auto section = TRY(process.child("ioPriority", {{"class", "priority"}}));
    const auto name = TRY(section.text("class"));
    for (const auto& [known, number] : kIoClasses) {
        if (known == name) return IoPriority{number, static_cast<int>(TRY(section.natural("priority", 0, 7)))};
    }
    return fail(Kind::invalid, "{}: no such class: \"{}\"", section.path_of("class"), name);
}

Result<Scheduler> decode_scheduler(const Section& process) {
    const auto section =
        TRY(process.child("scheduler", {{"policy", "nice", "priority", "flags", "runtime", "deadline", "period"}}));
    return Scheduler{.policy = TRY(section.text("policy")),
                     .nice = static_cast<std::int32_t>(TRY(section.integer("nice"))),
                     .priority = static_cast<std::int32_t>(TRY(section.integer("priority"))),
                     .flags = TRY(section.strings("flags")),
                     .runtime = TRY(section.natural("runtime")),
                     .deadline = TRY(section.natural("deadline")),
                     .period = TRY(section.natural("period"))};
}

Result<std::optional<int>> decode_oom_score(const Section& process) {
    if (!process.has("oomScoreAdj")) return std::nullopt;
    const auto score = TRY(process.integer("oomScoreAdj"));
    if (score < -1000 || score > 1000) {
        return fail(Kind::invalid, "process.oomScoreAdj is {}: it must be between -1000 and 1000", score);
    }
    return static_cast<int>(score);
}

}  // namespace

Result<Process> decode_process(const Section::Item& item) {
    const auto section = TRY(
        item.open({.known = {"terminal", "consoleSize", "user", "args", "env", "cwd", "capabilities", "rlimits",
                             "noNewPrivileges", "oomScoreAdj", "apparmorProfile", "ioPriority", "scheduler", "diatom"},
                   .unsupported = {"selinuxLabel", "execCPUAffinity", "commandLine"}}));
    Process process;
    process.terminal = TRY(section.boolean("terminal"));
    const auto size = TRY(section.child("consoleSize", {{"height", "width"}}));
    process.rows = static_cast<unsigned short>(TRY(size.natural("height", 0, kMaxTerminalSize)));
    process.columns = static_cast<unsigned short>(TRY(size.natural("width", 0, kMaxTerminalSize)));
    process.user = TRY(decode_user(section));
    process.args = TRY(section.strings("args"));
    process.env = TRY(section.strings("env"));
    process.cwd = TRY(section.text("cwd", "/"));
    process.capabilities = TRY(decode_capabilities(section));
    for (const auto& limit : TRY(section.items("rlimits"))) process.rlimits.push_back(TRY(decode_rlimit(limit)));
    process.no_new_privileges = TRY(section.boolean("noNewPrivileges"));
    process.oom_score_adj = TRY(decode_oom_score(section));
    process.apparmor_profile = TRY(section.text("apparmorProfile"));
    if (section.has("ioPriority")) process.io_priority = TRY(decode_io_priority(section));
    if (section.has("scheduler")) process.scheduler = TRY(decode_scheduler(section));
    const auto ours = TRY(section.child("diatom", {{"makeCwd"}}));
    process.make_cwd = TRY(ours.boolean("makeCwd"));
    return process;
}

Result<Process> decode_process(const Json& document, UnknownFields unknown) {
    return decode_process(Section::Item{&document, "process", unknown});
}

}  // namespace diatom::runtime
