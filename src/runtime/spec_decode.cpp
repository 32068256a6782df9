#include "runtime/spec_decode.h"

#include "runtime/names.h"

namespace diatom::runtime {
namespace {

constexpr std::uint64_t kMaxTerminalSize = 65535;

Result<User> decode_user(const Json& value, const std::string& path) {
    const auto section = TRY(Section::open(value, path, {{"uid", "gid", "umask", "additionalGids", "username"}}));
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

Result<Capabilities> decode_capabilities(const Json& value, const std::string& path) {
    const auto section =
        TRY(Section::open(value, path, {{"bounding", "effective", "inheritable", "permitted", "ambient"}}));
    return Capabilities{.bounding = TRY(section.strings("bounding")),
                        .effective = TRY(section.strings("effective")),
                        .inheritable = TRY(section.strings("inheritable")),
                        .permitted = TRY(section.strings("permitted")),
                        .ambient = TRY(section.strings("ambient"))};
}

Result<Rlimit> decode_rlimit(const Section::Item& item) {
    const auto section = TRY(Section::open(*item.value, item.path, {{"type", "soft", "hard"}}));
    return Rlimit{
        .type = TRY(section.text("type")), .soft = TRY(section.natural("soft")), .hard = TRY(section.natural("hard"))};
}

Result<Mount> decode_mount(const Section::Item& item) {
    const auto section = TRY(Section::open(
        *item.value, item.path,
        {.known = {"destination", "type", "source", "options"}, .unsupported = {"uidMappings", "gidMappings"}}));
    Mount mount{.destination = TRY(section.text("destination")),
                .type = TRY(section.text("type")),
                .source = TRY(section.text("source")),
                .options = TRY(section.strings("options"))};
    if (mount.destination.empty()) return fail(Kind::invalid, "{} is missing", section.path_of("destination"));
    return mount;
}

Result<void> decode_root(const Json& value, Root& root) {
    const auto section = TRY(Section::open(value, "root", {{"path", "readonly"}}));
    root.path = TRY(section.text("path"));
    root.read_only = TRY(section.boolean("readonly"));
    return {};
}

Result<void> decode_ours(const Json& value, Spec& spec) {
    const auto section = TRY(Section::open(value, "diatom", {{"id", "root"}}));
    spec.id = TRY(section.text("id"));
    const auto root = TRY(Section::open(section.member("root"), "diatom.root", {{"source", "lower", "upper", "work"}}));
    const auto source = TRY(root.text("source", "directory"));
    const auto* known = std::ranges::find(kRootSources, source, &std::pair<std::string_view, Root::Source>::first);
    if (known == kRootSources.end()) {
        return fail(Kind::invalid, "diatom.root.source is \"{}\": it must be directory, overlay or host", source);
    }
    spec.root.source = known->second;
    spec.root.lower = TRY(root.strings("lower"));
    spec.root.upper = TRY(root.text("upper"));
    spec.root.work = TRY(root.text("work"));
    return {};
}

}  // namespace

Result<char> decode_letter(const Section& section, std::string_view key, std::string_view allowed, char fallback) {
    const auto text = TRY(section.text(key, std::string(1, fallback)));
    if (text.empty()) return fallback;
    if (text.size() == 1 && allowed.contains(text[0])) return text[0];
    return fail(Kind::invalid, "{} is \"{}\": it must be one letter out of \"{}\"", section.path_of(key), text,
                allowed);
}

Result<Process> decode_process(const Json& document) {
    const auto section =
        TRY(Section::open(document, "process",
                          {.known = {"terminal", "consoleSize", "user", "args", "env", "cwd", "capabilities", "rlimits",
                                     "noNewPrivileges", "oomScoreAdj", "diatom"},
                           .unsupported = {"apparmorProfile", "selinuxLabel", "ioPriority", "scheduler",
                                           "execCPUAffinity", "commandLine"}}));
    Process process;
    process.terminal = TRY(section.boolean("terminal"));
    const auto size = TRY(Section::open(section.member("consoleSize"), "process.consoleSize", {{"height", "width"}}));
    process.rows = static_cast<unsigned short>(TRY(size.natural("height", 0, kMaxTerminalSize)));
    process.columns = static_cast<unsigned short>(TRY(size.natural("width", 0, kMaxTerminalSize)));
    process.user = TRY(decode_user(section.member("user"), "process.user"));
    process.args = TRY(section.strings("args"));
    process.env = TRY(section.strings("env"));
    process.cwd = TRY(section.text("cwd", "/"));
    process.capabilities = TRY(decode_capabilities(section.member("capabilities"), "process.capabilities"));
    for (const auto& item : TRY(section.items("rlimits"))) process.rlimits.push_back(TRY(decode_rlimit(item)));
    process.no_new_privileges = TRY(section.boolean("noNewPrivileges"));
    if (section.has("oomScoreAdj")) {
        const auto score = TRY(section.integer("oomScoreAdj"));
        if (score < -1000 || score > 1000) {
            return fail(Kind::invalid, "process.oomScoreAdj is {}: it must be between -1000 and 1000", score);
        }
        process.oom_score_adj = static_cast<int>(score);
    }
    const auto ours = TRY(Section::open(section.member("diatom"), "process.diatom", {{"makeCwd"}}));
    process.make_cwd = TRY(ours.boolean("makeCwd"));
    return process;
}

Result<Spec> decode_spec(const Json& document) {
    if (!document.is_object())
        return fail(Kind::invalid, "config.json must be an object, not {}", document.type_name());
    const auto section = TRY(Section::open(document, "",
                                           {.known = {"ociVersion", "process", "root", "hostname", "domainname",
                                                      "mounts", "linux", "annotations", "diatom"},
                                            .unsupported = {"hooks", "windows", "solaris", "vm", "zos"}}));
    const auto version = TRY(section.text("ociVersion"));
    if (!version.starts_with("1.")) {
        return fail(Kind::unsupported, "ociVersion is \"{}\": this version reads 1.x", version);
    }
    Spec spec;
    spec.process = TRY(decode_process(section.member("process")));
    TRY(decode_root(section.member("root"), spec.root));
    spec.hostname = TRY(section.text("hostname"));
    spec.domainname = TRY(section.text("domainname"));
    for (const auto& item : TRY(section.items("mounts"))) spec.mounts.push_back(TRY(decode_mount(item)));
    TRY(decode_linux(section.member("linux"), spec));
    TRY(decode_ours(section.member("diatom"), spec));
    return spec;
}

}  // namespace diatom::runtime
