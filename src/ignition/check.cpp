#include "ignition/check.h"

#include <algorithm>
#include <array>

#include "ignition/unit_file.h"
#include "machine/formats.h"

namespace diatom::ignition {
namespace {

constexpr std::array<std::string_view, 12> kUnitTypes{".service",   ".socket",   ".device", ".mount",
                                                      ".automount", ".swap",     ".target", ".path",
                                                      ".timer",     ".snapshot", ".slice",  ".scope"};

template <class Check>
void each(const Value& list, const Path& path, Check check) {
    for (std::size_t i = 0; i < list.items().size(); ++i) check(list.items()[i], path.item(i));
}

void check_unit_text(const Value& owner, const Path& path, Report& report) {
    const auto* contents = owner.find("contents");
    if (contents == nullptr) return;
    const auto unit = parse_unit(contents->text());
    if (!unit) report.problem(*contents, path / "contents", unit.error().what());
}

void check_unit(const Value& unit, const Path& path, Report& report) {
    const auto name = unit.text_of("name");
    const auto ends = [&](std::string_view type) { return name.size() > type.size() && name.ends_with(type); };
    if (name.contains('/') || std::ranges::none_of(kUnitTypes, ends)) {
        report.problem(unit.has("name") ? unit.at("name") : unit, path / "name",
                       "must be the name of a unit with its type, such as thing.service");
    }
    check_unit_text(unit, path, report);
    each(unit.at("dropins"), path / "dropins", [&](const Value& dropin, const Path& below) {
        const auto file = dropin.text_of("name");
        if (!file.ends_with(".conf") || file.contains('/')) {
            report.problem(dropin.has("name") ? dropin.at("name") : dropin, below / "name", "must end in .conf");
        }
        check_unit_text(dropin, below, report);
    });
}

// Ignition writes units as files: one of the same path would be written twice.
void check_unit_paths(const Value& config, Report& report) {
    std::vector<std::string> paths;
    for (const auto& unit : config.at("systemd").at("units").items()) {
        const auto path = "/etc/systemd/system/" + unit.text_of("name");
        if (!unit.text_of("contents").empty()) paths.push_back(path);
        for (const auto& dropin : unit.at("dropins").items()) {
            if (!dropin.text_of("contents").empty()) paths.push_back(path + ".d/" + dropin.text_of("name"));
        }
    }
    for (const auto* kind : {"files", "directories", "links"}) {
        each(config.at("storage").at(kind), Path() / "storage" / kind, [&](const Value& node, const Path& path) {
            if (std::ranges::contains(paths, node.text_of("path"))) {
                report.problem(node, path / "path", "a unit or drop-in of this document is written there");
            }
        });
    }
}

void check_names(const Value& passwd, Report& report) {
    for (const auto* kind : {"users", "groups"}) {
        each(passwd.at(kind), Path() / "passwd" / kind, [&](const Value& account, const Path& path) {
            if (!machine::kUserName.valid(account.text_of("name"))) {
                report.problem(account, path / "name", std::format("must be {}", machine::kUserName.means));
            }
        });
    }
}

void check_proxy(const Value& proxy, Report& report) {
    for (const auto* name : {"httpProxy", "httpsProxy"}) {
        const auto* url = proxy.find(name);
        if (url == nullptr) continue;
        const auto path = Path() / "ignition" / "proxy" / name;
        const bool clear = url->text().starts_with("http://");
        if (!clear && !url->text().starts_with("https://")) report.problem(*url, path, "must be an http or https URL");
        if (clear && std::string_view(name) == "httpsProxy") {
            report.warn(*url, path, "what is said to the proxy itself is not encrypted");
        }
    }
}

}  // namespace

void check_rules(const Value& config, int minor, Report& report) {
    const auto& ignition = config.at("ignition");
    const auto here = Path() / "ignition";
    const auto reference = [&](const Value& resource, const Path& path) {
        check_resource(resource, minor, path, report);
        check_reference(resource, minor, path, report);
    };
    each(ignition.at("config").at("merge"), here / "config" / "merge", reference);
    check_resource(ignition.at("config").at("replace"), minor, here / "config" / "replace", report);
    each(ignition.at("security").at("tls").at("certificateAuthorities"),
         here / "security" / "tls" / "certificateAuthorities", reference);
    check_proxy(ignition.at("proxy"), report);
    for (const auto& [name, seconds] : ignition.at("timeouts").members()) {
        if (seconds.integer() < 0) report.problem(seconds, here / "timeouts" / name, "must not be negative");
    }
    check_storage(config.at("storage"), minor, report);
    each(config.at("systemd").at("units"), Path() / "systemd" / "units",
         [&](const Value& unit, const Path& path) { check_unit(unit, path, report); });
    check_unit_paths(config, report);
    check_names(config.at("passwd"), report);
}

}  // namespace diatom::ignition
