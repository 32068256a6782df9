#include "runtime/spec_decode.h"

#include "runtime/names.h"

namespace diatom::runtime {
namespace {

Result<void> decode_root(const Section& config, Root& root) {
    const auto section = TRY(config.child("root", {{"path", "readonly"}}));
    root.path = TRY(section.text("path"));
    root.read_only = TRY(section.boolean("readonly"));
    return {};
}

Result<Mount> decode_mount(const Section::Item& item) {
    const auto section = TRY(item.open({{"destination", "type", "source", "options", "uidMappings", "gidMappings"}}));
    Mount mount{.destination = TRY(section.text("destination")),
                .type = TRY(section.text("type")),
                .source = TRY(section.text("source")),
                .options = TRY(section.strings("options")),
                .uid_mappings = TRY(decode_mappings(section, "uidMappings")),
                .gid_mappings = TRY(decode_mappings(section, "gidMappings"))};
    if (mount.destination.empty()) return fail(Kind::invalid, "{} is missing", section.path_of("destination"));
    if (mount.uid_mappings.empty() != mount.gid_mappings.empty()) {
        return fail(Kind::invalid, "{}: uidMappings and gidMappings must be given together", item.path);
    }
    return mount;
}

Result<Hook> decode_hook(const Section::Item& item) {
    const auto section = TRY(item.open({{"path", "args", "env", "timeout"}}));
    Hook hook{
        .path = TRY(section.text("path")), .args = TRY(section.strings("args")), .env = TRY(section.strings("env"))};
    if (!hook.path.starts_with('/')) {
        return fail(Kind::invalid, "{} is \"{}\": it must be absolute", section.path_of("path"), hook.path);
    }
    if (section.has("timeout")) {
        hook.timeout = TRY(section.natural32("timeout"));
        if (*hook.timeout == 0) return fail(Kind::invalid, "{} must be greater than 0", section.path_of("timeout"));
    }
    return hook;
}

Result<Hooks> decode_hooks(const Section& config) {
    const auto section = TRY(config.child(
        "hooks", {{"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"}}));
    Hooks hooks;
    for (const auto& [name, member] : kHookNames) {
        for (const auto& item : TRY(section.items(name))) (hooks.*member).push_back(TRY(decode_hook(item)));
    }
    return hooks;
}

Result<void> decode_ours(const Section& config, Spec& spec) {
    const auto section = TRY(config.child("diatom", {{"id", "bundle", "root"}}));
    spec.id = TRY(section.text("id"));
    spec.bundle = TRY(section.text("bundle"));
    const auto root = TRY(section.child("root", {{"source", "lower", "upper", "work"}}));
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

Result<Spec> decode_spec(const Json& document, UnknownFields unknown) {
    if (!document.is_object())
        return fail(Kind::invalid, "config.json must be an object, not {}", document.type_name());
    const auto section = TRY(Section::open(document, "",
                                           {.known = {"ociVersion", "process", "root", "hostname", "domainname",
                                                      "mounts", "linux", "hooks", "annotations", "diatom"},
                                            .unsupported = {"windows", "solaris", "vm", "zos"}},
                                           unknown));
    const auto version = TRY(section.text("ociVersion"));
    if (!version.starts_with("1.")) {
        return fail(Kind::unsupported, "ociVersion is \"{}\": this version reads 1.x", version);
    }
    Spec spec;
    spec.process = TRY(decode_process(Section::Item{&section.member("process"), "process", unknown}));
    TRY(decode_root(section, spec.root));
    spec.hostname = TRY(section.text("hostname"));
    spec.domainname = TRY(section.text("domainname"));
    for (const auto& item : TRY(section.items("mounts"))) spec.mounts.push_back(TRY(decode_mount(item)));
    spec.hooks = TRY(decode_hooks(section));
    spec.annotations = TRY(section.string_map("annotations"));
    TRY(decode_linux(section, spec));
    TRY(decode_ours(section, spec));
    return spec;
}

}  // namespace diatom::runtime
