#include "ignition/units.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/strings.h"
#include "ignition/unit_words.h"

namespace diatom::ignition {
namespace {

std::string service_name(const UnitName& name) {
    auto text = name.stem;
    for (auto& c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                           c == '-' || c == '.';
        if (!plain) c = '-';
    }
    return text;
}

struct Planned {
    const DeclaredUnit* unit;
    Service service;
    bool runs = false;
    std::string schedule;
};

class Units {
public:
    Units(Value& machine, Report& report) : machine_(machine), report_(report) {}

    void collect(const Value& entries) {
        for (std::size_t i = 0; i < entries.items().size(); ++i) {
            const auto& entry = entries.items()[i];
            auto unit = declare(entry, (Path() / "systemd" / "units").item(i));
            if (!entry.text_of("contents").empty() && unit.name.is_template()) templates_.emplace(unit.name.full, unit);
            declared_.push_back(std::move(unit));
        }
    }

    void translate() {
        for (auto& unit : declared_) admit(unit);
        for (const auto& unit : declared_) {
            if (admitted_.contains(unit.name.full)) take(unit);
        }
        for (const auto& unit : declared_) {
            if (admitted_.contains(unit.name.full) && unit.name.type == "timer") schedule(unit);
        }
        spread();
        for (auto& [name, planned] : services_) relate(name, planned);
        write();
    }

private:
    DeclaredUnit declare(const Value& entry, const Path& path) {
        DeclaredUnit unit(entry.text_of("name"));
        unit.entry = &entry;
        unit.path = path;
        unit.enabled = entry.boolean_of("enabled");
        if (auto file = parse_unit(entry.text_of("contents"))) unit.file = std::move(*file);
        append_dropins(unit.file, entry);
        return unit;
    }

    static void append_dropins(UnitFile& file, const Value& entry) {
        std::map<std::string, std::string> dropins;
        for (const auto& dropin : entry.at("dropins").items())
            dropins[dropin.text_of("name")] = dropin.text_of("contents");
        for (const auto& [name, text] : dropins) {
            if (auto parsed = parse_unit(text)) file.append(std::move(*parsed), name);
        }
    }

    void problem(const DeclaredUnit& unit, std::string_view message) {
        report_.problem(*unit.entry, unit.path, std::format("{}: {}", unit.name.full, message));
    }
    void warn(const DeclaredUnit& unit, std::string_view message) {
        report_.warn(*unit.entry, unit.path, std::format("{}: {}", unit.name.full, message));
    }

    // Whether a unit is one to translate; what it is the switch of is switched.
    void admit(DeclaredUnit& unit) {
        const auto& name = unit.name.full;
        const auto own = machine_service(name);
        const bool described = !unit.entry->text_of("contents").empty();
        if (unit.entry->boolean_of("mask")) {
            if (own && !own->empty()) switch_service("disable", *own);
            return;
        }
        if (described && own) return problem(unit, "the machine has its own, which this would replace");
        if (described) {
            if (!unit.name.is_template()) admitted_.insert(name);
            return;
        }
        if (const auto origin = templates_.find(unit.name.template_name());
            !unit.name.instance.empty() && origin != templates_.end()) {
            unit.file = origin->second.file;
            append_dropins(unit.file, *unit.entry);
            admitted_.insert(name);
            return;
        }
        admit_known(unit, own);
    }

    void admit_known(const DeclaredUnit& unit, std::optional<std::string_view> own) {
        const bool extended = !unit.entry->at("dropins").items().empty();
        if (extended && own == "user-engine")
            return problem(unit, "its drop-ins: the user engine has no unit to extend");
        if (extended) return problem(unit, "its drop-ins: there is no such unit here to extend");
        if (!unit.entry->has("enabled")) return;
        if (own && !own->empty()) return switch_service(unit.enabled ? "enable" : "disable", *own);
        if (own || is_needless_unit(unit.name.full)) return;
        if (unit.enabled) return problem(unit, "there is no such unit here to enable");
        warn(unit, "there is no such unit here to disable");
    }

    void switch_service(std::string_view list, std::string_view service) {
        if (!machine_.has("services")) machine_.set("services", Value::map());
        auto& services = *machine_.find("services");
        if (!services.has(list)) services.set(list, Value::list());
        auto& names = *services.find(list);
        const auto same = [&](const Value& name) { return name.text() == service; };
        if (std::ranges::none_of(names.items(), same)) names.add(Value::of(service));
    }

    void take(const DeclaredUnit& unit) {
        if (unit.enabled && !unit.file.has_section("Install")) {
            warn(unit, "has no [Install] section: enabling it starts nothing");
        }
        const auto& type = unit.name.type;
        if (type == "service") return take_service(unit);
        if (type == "timer") return;
        if (type == "automount") return take_automount(unit);
        if (type == "mount" || type == "swap") {
            if (!unit.starts_at_boot() && !mounted_on_demand(unit))
                return warn(unit, "is not enabled: nothing mounts it");
            return type == "mount" ? translate_mount(unit, machine_, report_) : translate_swap(unit, machine_, report_);
        }
        problem(unit, refusal_of_type(type));
    }

    bool mounted_on_demand(const DeclaredUnit& unit) const { return admitted_.contains(unit.name.stem + ".automount"); }

    void take_automount(const DeclaredUnit& unit) {
        if (!admitted_.contains(unit.name.stem + ".mount")) return problem(unit, "its .mount unit is missing");
        warn(unit, "it is mounted at the boot, not when it is first used");
    }

    void take_service(const DeclaredUnit& unit) {
        const auto voice = unit.voice(report_);
        const auto name = service_name(unit.name);
        if (is_machine_service(name)) return problem(unit, "a service of the machine has this name: choose another");
        if (services_.contains(name)) return problem(unit, "another unit becomes a service of the same name");
        refuse_directives(unit.file, "service", voice);
        services_.emplace(name,
                          Planned{&unit, translate_service(unit.file, unit.name, voice), unit.starts_at_boot(), {}});
        order_.push_back(name);
    }

    void schedule(const DeclaredUnit& unit) {
        auto named = unit.file.text("Timer", "Unit");
        if (named.empty()) named = unit.name.stem + ".service";
        const auto found = services_.find(service_name(UnitName(named)));
        const auto cron = translate_timer(unit, report_);
        if (found == services_.end()) return problem(unit, std::format("{} is not in the document", named));
        if (!cron || !unit.starts_at_boot()) return;
        if (!found->second.schedule.empty()) return problem(unit, "the service has a schedule already");
        found->second.schedule = *cron;
    }

    // What runs takes with it what it wants.
    void spread() {
        for (bool changed = true; changed;) {
            changed = false;
            for (const auto& [name, planned] : services_) {
                if (!planned.runs && planned.schedule.empty()) continue;
                for (const auto& relation : planned.service.relations) {
                    if (relation.bond != Bond::wants && relation.bond != Bond::needs) continue;
                    auto* other = find(relation.unit);
                    if (other == nullptr || other->runs || !other->schedule.empty()) continue;
                    other->runs = changed = true;
                }
            }
        }
    }

    Planned* find(std::string_view unit) {
        const auto found = unit.ends_with(".service") ? services_.find(service_name(UnitName(unit))) : services_.end();
        return found == services_.end() || found->second.unit->name.full != unit ? nullptr : &found->second;
    }

    void depend(Planned& planned, const std::string& on, std::string_view condition, bool required) {
        auto& dependencies = dependencies_[&planned];
        if (!dependencies.has(on)) dependencies.set(on, Value::map());
        auto& dependency = *dependencies.find(on);
        const auto before = dependency.text_of("condition");
        if (before.empty() || before == "service_started") dependency.set("condition", condition);
        dependency.set("required", Value::of(required || dependency.boolean_of("required")));
    }

    void relate(const std::string& name, Planned& planned) {
        const auto voice = planned.unit->voice(report_);
        const auto& relations = planned.service.relations;
        for (const auto& relation : relations) {
            const auto own = machine_service(relation.unit);
            const bool needs = relation.bond == Bond::needs;
            if (own) {
                relate_to_machine(planned, relation, *own);
            } else if (auto* other = find(relation.unit)) {
                const bool needed = std::ranges::any_of(relations, [&](const Relation& each) {
                    return each.bond == Bond::needs && each.unit == relation.unit;
                });
                if (relation.bond == Bond::after) wait_for(planned, *other, service_name(other->unit->name), needed);
                if (relation.bond == Bond::before) wait_for(*other, planned, name, false);
            } else if (needs && !is_elsewhere(relation.unit)) {
                voice.problem(*relation.setting, std::format("{}: there is no such unit here", relation.unit));
            } else if (relation.bond == Bond::wants && !is_elsewhere(relation.unit)) {
                voice.warning(*relation.setting, std::format("{}: there is no such unit here", relation.unit));
            }
        }
    }

    // Mounts and swap are there before services are; what CoreOS alone has is not missed.
    static bool is_elsewhere(std::string_view unit) {
        return unit.ends_with(".mount") || unit.ends_with(".automount") || unit.ends_with(".swap") ||
               is_needless_unit(unit);
    }

    void wait_for(Planned& planned, const Planned& other, const std::string& name, bool needed) {
        if (!other.runs) return;
        depend(planned, name, other.service.ends ? "service_completed_successfully" : "service_started", needed);
    }

    void relate_to_machine(Planned& planned, const Relation& relation, std::string_view own) {
        if (own.empty()) return;
        if (relation.bond != Bond::before) {
            const bool online = relation.unit.contains("online");
            depend(planned, std::string(own), online ? "service_healthy" : "service_started",
                   relation.bond == Bond::needs);
            return;
        }
        auto& labels = *planned.service.definition.find("labels");
        const auto before = labels.text_of("io.rancher.os.before");
        labels.set("io.rancher.os.before", before.empty() ? std::string(own) : std::format("{},{}", before, own));
    }

    void write() {
        if (order_.empty()) return;
        if (!machine_.has("services")) machine_.set("services", Value::map());
        auto define = Value::map();
        for (const auto& name : order_) {
            auto& planned = services_.at(name);
            auto definition = std::move(planned.service.definition);
            definition.set_mark(planned.unit->entry->mark());
            if (const auto found = dependencies_.find(&planned); found != dependencies_.end()) {
                definition.set("depends_on", found->second);
            }
            if (!planned.schedule.empty()) {
                definition.find("labels")->set("cron.schedule", planned.schedule);
                definition.find("labels")->erase("io.rancher.os.detach");
            }
            if (!planned.runs && planned.schedule.empty()) switch_service("disable", name);
            define.set(name, std::move(definition));
        }
        machine_.find("services")->set("define", std::move(define));
    }

    Value& machine_;
    Report& report_;
    std::vector<DeclaredUnit> declared_;
    std::map<std::string, DeclaredUnit> templates_;
    std::set<std::string> admitted_;
    std::map<std::string, Planned> services_;
    std::vector<std::string> order_;
    std::map<const Planned*, Value> dependencies_;
};

}  // namespace

Voice DeclaredUnit::voice(Report& report) const {
    const auto say = [this, &report](void (Report::*add)(const Value&, const Path&, std::string_view)) {
        return [this, &report, add](const Setting& setting, std::string_view message) {
            const auto line = setting.line == 0 ? std::string() : std::format(" line {},", setting.line);
            const auto file = setting.file.empty() ? name.full : std::format("{} ({})", name.full, setting.file);
            const auto& contents = entry->has("contents") ? entry->at("contents") : *entry;
            (report.*add)(contents, path,
                          std::format("{}:{} [{}] {}: {}", file, line, setting.section, setting.name, message));
        };
    };
    return {say(&Report::problem), say(&Report::warn)};
}

void translate_units(const Value& config, Value& machine, Report& report) {
    Units units(machine, report);
    units.collect(config.at("systemd").at("units"));
    units.translate();
}

}  // namespace diatom::ignition
