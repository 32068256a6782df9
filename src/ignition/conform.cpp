#include "ignition/conform.h"

#include <algorithm>
#include <map>

#include "base/strings.h"

namespace diatom::ignition {
namespace {

class Conformer {
public:
    Conformer(Language language, Report& report) : language_(language), report_(report) {}

    // Nothing where the value is of no use.
    std::optional<Value> take(const Value& value, const Type& type, const Path& path) {
        switch (type.form) {
            case Form::text:
                if (!value.is_text()) return wrong(value, path, "text");
                return value;
            case Form::number:
                if (value.type() != Value::Type::integer) return wrong(value, path, "a whole number");
                return value;
            case Form::boolean:
                if (value.type() != Value::Type::boolean) return wrong(value, path, "true or false");
                return value;
            case Form::list: return take_list(value, type, path);
            case Form::object: return take_object(value, type, path);
        }
        return std::nullopt;
    }

private:
    std::optional<Value> wrong(const Value& value, const Path& path, std::string_view wanted) {
        report_.problem(value, path, std::format("must be {}, not {}", wanted, describe(value.type())));
        return std::nullopt;
    }

    std::optional<Value> take_list(const Value& value, const Type& type, const Path& path) {
        if (!value.is_list()) return wrong(value, path, "a list");
        auto list = Value::list();
        list.set_mark(value.mark());
        for (std::size_t i = 0; i < value.items().size(); ++i) {
            if (auto item = take(value.items()[i], *type.item, path.item(i))) list.add(std::move(*item));
        }
        return list;
    }

    std::optional<Value> take_object(const Value& value, const Type& type, const Path& path) {
        if (!value.is_map()) return wrong(value, path, "a mapping");
        if (type.keys.empty()) return value;
        auto map = Value::map();
        map.set_mark(value.mark());
        for (const auto& [name, member] : value.members()) {
            const auto* key = find_key(type, name, language_.butane);
            if (key == nullptr) {
                warn_unknown(member, type, path / name, name);
            } else if (key->since > language_.minor) {
                report_.warn(member, path / name,
                             std::format("is of Ignition 3.{}.0, and the document of 3.{}.0: it is ignored", key->since,
                                         language_.minor));
            } else if (!member.is_null()) {
                if (auto taken = take(member, *key->type, path / name)) map.set(key->name, std::move(*taken));
            }
        }
        find_twins(map, type, path);
        return map;
    }

    void warn_unknown(const Value& value, const Type& type, const Path& path, std::string_view name) {
        std::vector<std::string> names;
        for (const auto& key : type.keys) {
            if (language_.butane) names.push_back(butane_name(key));
            else if (key.only == Only::neither) names.emplace_back(key.name);
        }
        const std::vector<std::string_view> views(names.begin(), names.end());
        const auto near = nearest(name, views);
        report_.warn(value, path,
                     near ? std::format("unknown key, which is ignored: did you mean \"{}\"?", *near)
                          : std::string("unknown key, which is ignored"));
    }

    // Entries that would be one, of a list or of a family of lists.
    void find_twins(const Value& map, const Type& type, const Path& path) {
        std::map<std::pair<std::string_view, std::string>, const Value*> seen;
        for (const auto& key : type.keys) {
            const auto* list = map.find(key.name);
            if (list == nullptr || key.type->form != Form::list || key.type->same == Same::never) continue;
            const auto family = key.family.empty() ? key.name : key.family;
            for (std::size_t i = 0; i < list->items().size(); ++i) {
                const auto& entry = list->items()[i];
                auto which = identity(*key.type, entry);
                if (which.empty()) continue;
                const auto [at, is_new] = seen.try_emplace({family, std::move(which)}, &entry);
                if (is_new) continue;
                const auto name = language_.butane ? butane_name(key) : std::string(key.name);
                report_.problem(entry, (path / name).item(i),
                                std::format("the same stands in line {} already", at->second->mark().line));
            }
        }
    }

    Language language_;
    Report& report_;
};

}  // namespace

Value conform(const Value& document, Language language, Report& report) {
    return Conformer(language, report).take(document, config_type(), {}).value_or(Value::map());
}

}  // namespace diatom::ignition
