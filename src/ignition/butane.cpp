#include <algorithm>
#include <array>
#include <optional>

#include "base/strings.h"
#include "document/yaml_reader.h"
#include "ignition/check.h"
#include "ignition/data_url.h"
#include "ignition/ignition.h"
#include "ignition/unit_file.h"

namespace diatom::ignition {
namespace {

// Which version of Ignition a version of Butane is written for, by its minor number.
constexpr std::array<int, 7> kFcos{0, 1, 2, 2, 3, 4, 5};
constexpr std::array<int, 2> kFlatcar{3, 4};

struct Refusal {
    std::string_view name, reason;
};
constexpr std::array kRefusals{
    Refusal{"local", "a file beside the document cannot be read from here: use inline, or butane --files-dir"},
    Refusal{"contentsLocal", "a file beside the document cannot be read from here: use contents"},
    Refusal{"sshAuthorizedKeysLocal", "a file beside the document cannot be read from here: use ssh_authorized_keys"},
    Refusal{"trees", "a directory beside the document cannot be read from here: list its files"},
    Refusal{"bootDevice", "the disk that the machine starts from is not laid out anew: its updater owns it"},
    Refusal{"grub", "there is no GRUB: the boot loader has no password"},
};

std::optional<int> ignition_minor(const Value& document, Report& report) {
    const auto variant = document.text_of("variant");
    if (variant != "fcos" && variant != "flatcar") {
        report.problem(document.has("variant") ? document.at("variant") : document, Path() / "variant",
                       "must be fcos or flatcar: other variants are about systems that this machine is not");
        return std::nullopt;
    }
    const std::span<const int> minors =
        variant == "fcos" ? std::span<const int>(kFcos) : std::span<const int>(kFlatcar);
    const auto version = document.text_of("version");
    for (std::size_t i = 0; i < minors.size(); ++i) {
        if (version == std::format("1.{}.0", i)) return minors[i];
    }
    report.problem(document.has("version") ? document.at("version") : document, Path() / "version",
                   std::format("must be a version of {} from 1.0.0 to 1.{}.0", variant, minors.size() - 1));
    return std::nullopt;
}

// What only Butane has, in Ignition's terms.
class Sugar {
public:
    explicit Sugar(Report& report) : report_(report) {}

    void dissolve(Value& value, const Path& path) {
        for (std::size_t i = 0; i < value.items().size(); ++i) dissolve(value.items()[i], path.item(i));
        if (!value.is_map()) return;
        refuse(value, path);
        if (value.has("inline")) put_inline(value, path);
        if (value.has("mode")) check_mode(value.at("mode"), path / "mode");
        for (auto& [name, member] : value.members()) dissolve(member, path / name);
    }

private:
    void refuse(Value& value, const Path& path) {
        for (const auto& [name, reason] : kRefusals) {
            if (!value.has(name)) continue;
            report_.problem(value.at(name), path / name, reason);
            value.erase(name);
        }
    }

    void put_inline(Value& resource, const Path& path) {
        const auto text = resource.at("inline");
        resource.erase("inline");
        if (!text.is_text()) return;
        if (resource.has("source")) report_.problem(text, path / "inline", "stands beside source: one of them");
        auto source = Value::of(encode_data_url(text.text()));
        source.set_mark(text.mark());
        resource.set("source", std::move(source));
    }

    void check_mode(const Value& mode, const Path& path) {
        const auto digits = mode.scalar_text();
        const bool reads_as_octal = digits.size() == 3 && digits.find_first_not_of("01234567") == std::string::npos;
        if (reads_as_octal && mode.integer() > 0777) {
            report_.warn(mode, path, "is a decimal number: an octal one begins with 0");
        }
    }

    Report& report_;
};

std::string mount_unit(const Value& made) {
    std::string options;
    for (const auto& option : made.at("mountOptions").items()) {
        options += (options.empty() ? "Options=" : ",") + option.text();
    }
    if (!options.empty()) options += '\n';
    return std::format("[Mount]\nWhat={}\nWhere={}\nType={}\n{}\n[Install]\nRequiredBy=local-fs.target\n",
                       made.text_of("device"), made.text_of("path"), made.text_of("format"), options);
}

std::string swap_unit(const Value& made) {
    return std::format("[Swap]\nWhat={}\n\n[Install]\nRequiredBy=swap.target\n", made.text_of("device"));
}

// with_mount_unit: what a unit of the document says already holds.
void add_unit(Value& document, const std::string& name, const std::string& contents, const Value& from) {
    if (!document.has("systemd")) document.set("systemd", Value::map());
    auto& systemd = *document.find("systemd");
    if (!systemd.has("units")) systemd.set("units", Value::list());
    auto& units = systemd.find("units")->items();
    auto found = std::ranges::find_if(units, [&](const Value& unit) { return unit.text_of("name") == name; });
    if (found == units.end()) {
        auto unit = Value::map();
        unit.set_mark(from.mark());
        unit.set("name", name);
        units.push_back(std::move(unit));
        found = units.end() - 1;
    }
    if (!found->has("enabled")) found->set("enabled", Value::of(true));
    if (found->has("contents")) return;
    auto text = Value::of(contents);
    text.set_mark(from.mark());
    found->set("contents", std::move(text));
}

void add_mount_units(Value& document, Report& report) {
    auto* storage = document.find("storage");
    auto* systems = storage == nullptr ? nullptr : storage->find("filesystems");
    if (systems == nullptr) return;
    for (std::size_t i = 0; i < systems->items().size(); ++i) {
        auto& made = systems->items()[i];
        const bool wanted = made.boolean_of("withMountUnit");
        made.erase("withMountUnit");
        if (!wanted) continue;
        const auto path = (Path() / "storage" / "filesystems").item(i);
        const auto format = made.text_of("format");
        const auto device = made.text_of("device"), target = made.text_of("path");
        const bool broken = (device + target + format).contains('\n');
        if (format.empty() || broken) {
            report.problem(made, path / "format", "a mount unit needs the format of the file system");
        } else if (format == "swap") {
            add_unit(document, escape_path(device) + ".swap", swap_unit(made), made);
        } else if (target.empty()) {
            report.problem(made, path / "path", "a mount unit needs a path");
        } else {
            add_unit(document, escape_path(target) + ".mount", mount_unit(made), made);
        }
    }
}

void set_version(Value& document, int minor) {
    document.erase("variant");
    document.erase("version");
    if (!document.has("ignition")) document.set("ignition", Value::map());
    document.find("ignition")->set("version", std::format("3.{}.0", minor));
}

}  // namespace

Config read_butane(std::string_view text, const std::string& file) {
    Config config;
    config.document = Value::map();
    auto documents = read_yaml(text, file);
    if (!documents) {
        config.report.problems.push_back(documents.error().what());
        return config;
    }
    if (documents->size() != 1) {
        config.report.problems.push_back(std::format("{}:1: must be one document", file));
        return config;
    }
    const auto minor = ignition_minor(documents->front(), config.report);
    if (!minor) return config;
    auto document = conform(documents->front(), {.minor = *minor, .butane = true}, config.report);
    Sugar(config.report).dissolve(document, {});
    add_mount_units(document, config.report);
    set_version(document, *minor);
    check_rules(document, *minor, config.report);
    config.document = std::move(document);
    return config;
}

}  // namespace diatom::ignition
