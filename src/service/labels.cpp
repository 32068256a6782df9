#include "service/labels.h"

#include <algorithm>
#include <format>

#include "base/strings.h"
#include "config/services.h"

namespace diatom::service {
namespace {

constexpr std::string_view kStarted = "service_started", kHealthy = "service_healthy",
                           kCompleted = "service_completed_successfully";

bool is_true(std::string_view text) { return text == "true" || text == "1" || text == "yes"; }

std::vector<std::string> names_of(const Value& service, std::string_view label) {
    std::vector<std::string> names;
    const auto text = label_of(service, label);
    for (const auto name : split(text, ',')) {
        if (!trim(name).empty()) names.emplace_back(trim(name));
    }
    return names;
}

Value dependency(std::string_view condition, bool required) {
    auto made = Value::map();
    made.set("condition", condition);
    made.set("required", Value::of(required));
    return made;
}

class Translation {
public:
    Translation(std::vector<Value> documents, const Sources& sources, Scope scope)
        : own_(sources.own), disabled_(sources.disabled), scope_(scope) {
        made_.documents = std::move(documents);
    }

    Translated run() && {
        for_each([&](std::string& name, Value& service) { return take_in(name, service); });
        for_each([&](std::string& name, Value& service) { return order(name, service); });
        for_each([&](std::string& name, Value& service) { return separate_own(name, service); });
        return std::move(made_);
    }

private:
    // `keep` says whether a service stays.
    template <class Keep>
    void for_each(const Keep& keep) {
        for (auto& document : made_.documents) {
            auto* services = document.find("services");
            if (services == nullptr || !services->is_map()) continue;
            std::erase_if(services->members(), [&](Member& member) { return !keep(member.first, member.second); });
        }
    }

    bool refuse(const Value& at, const std::string& name, std::string_view why) {
        made_.problems.push_back(at.error("services." + name, why).error().what());
        made_.traits.erase(name);
        known_.erase(name);
        return false;
    }

    bool take_in(const std::string& name, Value& service) {
        if (!service.is_map()) return refuse(service, name, "must be a mapping, as in a Compose file");
        const auto scope = label_of(service, "io.rancher.os.scope");
        if (!scope.empty() && scope != "system" && scope != "user")
            return refuse(service, name, "io.rancher.os.scope: must be system or user");
        if ((scope == "user") != (scope_ == Scope::user) || disabled_.contains(name)) return false;
        if (own_.contains(name) && scope_ == Scope::system)
            return refuse(service, name, "the machine has a service of this name");
        for (const auto* key : {"networks", "ports"}) {
            if (scope_ == Scope::system && service.has(key))
                return refuse(
                    service, name,
                    std::format("{}: the system engine has no networks of its own: network_mode host or none, "
                                "or the label io.rancher.os.scope=user",
                                key));
        }
        if (scope_ == Scope::system && !service.has("network_mode")) service.set("network_mode", "host");
        Traits traits;
        // A console is started by who stops the machine's own first.
        traits.create_only =
            is_true(label_of(service, "io.rancher.os.createonly")) || is_true(label_of(service, config::kConsoleLabel));
        traits.reloads_config = is_true(label_of(service, "io.rancher.os.reloadconfig"));
        traits.rebuild = label_of(service, "io.docker.compose.rebuild") == "always";
        if (const auto text = label_of(service, "cron.schedule"); !text.empty()) {
            auto schedule = config::Schedule::parse(text);
            if (!schedule) return refuse(service, name, "cron.schedule: " + schedule.error().what());
            traits.schedule = *schedule;
        }
        if (label_of(service, "io.rancher.os.detach") == "false") ended_.insert(name);
        const bool several = service.has("scale") || service.at("deploy").has("replicas");
        if (!service.has("container_name") && !several) service.set("container_name", name);
        made_.traits[name] = std::move(traits);
        known_.insert(name);
        return true;
    }

    // Every ordering as depends_on, in its long form.
    bool order(const std::string& name, Value& service) {
        auto& needs = long_form(service);
        for (const auto& other : names_of(service, "io.rancher.os.after")) add(needs, other);
        for_each_named(names_of(service, "io.rancher.os.before"), [&](Value& later) { add(long_form(later), name); });
        return true;
    }

    static Value& long_form(Value& service) {
        auto* needs = service.find("depends_on");
        if (needs != nullptr && needs->is_map()) return *needs;
        auto made = Value::map();
        if (needs != nullptr) {
            for (const auto& other : needs->items()) made.set(other.text(), dependency(kStarted, true));
        }
        return service.set("depends_on", std::move(made));
    }

    void add(Value& needs, const std::string& other) const {
        if (!needs.has(other)) needs.set(other, dependency(ended_.contains(other) ? kCompleted : kStarted, false));
    }

    template <class Action>
    void for_each_named(const std::vector<std::string>& names, const Action& action) {
        for (auto& document : made_.documents) {
            if (auto* services = document.find("services")) {
                for (auto& [name, service] : services->members()) {
                    if (std::ranges::contains(names, name)) action(service);
                }
            }
        }
    }

    // Of what is in no document: the machine's own are waited for by ourselves, what may be missing is left out. What
    // may not is said by Compose, with its place.
    bool separate_own(const std::string& name, Value& service) {
        auto& needs = *service.find("depends_on");
        std::erase_if(needs.members(), [&](const Member& member) {
            const auto& [other, how] = member;
            if (known_.contains(other)) return false;
            if (own_.contains(other)) {
                made_.traits[name].own.push_back({other, how.text_of("condition") == kHealthy});
                return true;
            }
            return disabled_.contains(other) || !how.boolean_of("required", true);
        });
        if (needs.members().empty()) service.erase("depends_on");
        return true;
    }

    const std::set<std::string>& own_;
    const std::set<std::string>& disabled_;
    Scope scope_;
    Translated made_;
    std::set<std::string> known_, ended_;
};

}  // namespace

std::string label_of(const Value& service, std::string_view name) {
    const auto& labels = service.at("labels");
    if (labels.is_map()) return labels.at(name).scalar_text();
    for (const auto& label : labels.items()) {
        const auto halves = cut(label.text(), '=');
        if (halves && halves->first == name) return std::string(halves->second);
    }
    return {};
}

Translated translate(std::vector<Value> documents, const Sources& sources, Scope scope) {
    return Translation(std::move(documents), sources, scope).run();
}

}  // namespace diatom::service
