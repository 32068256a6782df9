#include "compose/expand.h"

#include "base/strings.h"

namespace diatom::compose {
namespace {

// The same place in the file, for what takes the place of `old`.
void replace(Value& old, Value value) {
    value.set_mark(old.mark());
    value.set_tag(old.tag());
    for (auto& item : value.items()) {
        if (!item.mark().file) item.set_mark(old.mark());
    }
    if (value.is_map()) {
        for (auto& [key, member] : value.members()) {
            if (!member.mark().file) member.set_mark(old.mark());
        }
    }
    old = std::move(value);
}

void wrap(Value& value, std::string_view key) {
    if (!value.is_text()) return;
    auto map = Value::map();
    map.set(key, value.text());
    replace(value, std::move(map));
}

void expand_one_text(Value& value) {
    if (!value.is_text() && !(value.is_map() && value.has("path"))) return;
    auto list = Value::list();
    list.add(value);
    replace(value, std::move(list));
}

// A list of texts to a mapping from each to `value_of`.
void expand_names(Value& value, const Value& each) {
    if (!value.is_list()) return;
    for (const auto& item : value.items()) {
        if (!item.is_text()) return;
    }
    auto map = Value::map();
    for (const auto& item : value.items()) map.set(item.text(), each).set_mark(item.mark());
    replace(value, std::move(map));
}

Value default_dependency() {
    auto made = Value::map();
    made.set("condition", "service_started");
    made.set("required", Value::of(true));
    return made;
}

void expand_dependencies(Value& value) {
    expand_names(value, default_dependency());
    if (!value.is_map()) return;
    for (auto& [name, dependency] : value.members()) {
        if (dependency.is_map() && !dependency.has("required")) dependency.set("required", Value::of(true));
    }
}

void expand_device(Value& value) {
    if (!value.is_text()) return;
    const auto parts = split(value.text(), ':');
    if (parts.size() > 3) return;
    auto map = Value::map();
    map.set("source", parts[0]);
    map.set("target", parts[parts.size() > 1 ? 1 : 0]);
    map.set("permissions", parts.size() > 2 ? parts[2] : "rwm");
    replace(value, std::move(map));
}

void expand_env_file(Value& value) {
    wrap(value, "path");
    if (value.is_map() && !value.has("required")) value.set("required", Value::of(true));
}

void expand_external(Value& value) {
    auto* external = value.find("external");
    if (external == nullptr || !external->is_map()) return;
    const auto name = external->text_of("name");
    replace(*external, Value::of(true));
    if (!name.empty() && !value.has("name")) value.set("name", name);
}

void expand_gpus(Value& value) {
    if (!value.is_text() || value.text() != "all") return;
    auto request = Value::map();
    request.set("count", Value::of("all"));
    auto list = Value::list();
    list.add(std::move(request));
    replace(value, std::move(list));
}

void expand_ssh(Value& value) {
    if (value.is_text()) expand_one_text(value);
    if (!value.is_map()) return;
    auto list = Value::list();
    for (const auto& [id, path] : value.members()) {
        list.add(Value::of(path.is_null() ? id : id + "=" + path.scalar_text()));
    }
    replace(value, std::move(list));
}

std::string host_entry(std::string_view host, std::string_view address) {
    if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
    return std::format("{}={}", host, address);
}

Result<void> expand_hosts(Value& value, const std::string& path) {
    auto list = Value::list();
    if (value.is_list()) {
        for (const auto& item : value.items()) {
            if (!item.is_text()) return {};
            auto halves = cut(item.text(), '=');
            if (!halves) halves = cut(item.text(), ':');
            if (!halves) return item.error(path, std::format("\"{}\" must be HOST=ADDRESS", item.text()));
            list.add(Value::of(host_entry(halves->first, halves->second)));
            list.items().back().set_mark(item.mark());
        }
    } else if (value.is_map()) {
        for (const auto& [host, address] : value.members()) {
            if (address.is_text()) list.add(Value::of(host_entry(host, address.text())));
            for (const auto& one : address.items()) list.add(Value::of(host_entry(host, one.scalar_text())));
        }
    } else {
        return {};
    }
    replace(value, std::move(list));
    return {};
}

Result<void> expand_words(Value& value, const std::string& path) {
    if (!value.is_text()) return {};
    const auto words = split_command(value.text());
    if (!words) return value.error(path, words.error().what());
    replace(value, Value::of(*words));
    return {};
}

Result<void> expand_ports(Value& value, const std::string& path) {
    if (!value.is_list()) return {};
    auto list = Value::list();
    for (auto& item : value.items()) {
        if (!item.is_text() && item.type() != Value::Type::integer) {
            list.add(std::move(item));
            continue;
        }
        auto ports = parse_ports(item.scalar_text());
        if (!ports) return item.error(path, ports.error().what());
        for (auto& port : ports->items()) {
            port.set_mark(item.mark());
            list.add(std::move(port));
        }
    }
    replace(value, std::move(list));
    return {};
}

Result<void> expand_volume(Value& value, const std::string& path) {
    if (!value.is_text()) return {};
    auto volume = parse_volume(value.text());
    if (!volume) return value.error(path, volume.error().what());
    replace(value, std::move(*volume));
    return {};
}

void expand_pairs(Value& value) {
    if (!value.is_list()) return;
    auto map = Value::map();
    for (const auto& item : value.items()) {
        if (!item.is_text()) return;
        const auto halves = cut(item.text(), '=');
        auto& member = map.set(halves ? halves->first : std::string_view(item.text()),
                               halves ? Value::of(halves->second) : Value());
        member.set_mark(item.mark());
    }
    replace(value, std::move(map));
}

Result<void> expand_here(Value& value, const Type& type, const std::string& path) {
    switch (type.short_form) {
        case Short::none: break;
        case Short::one_text: expand_one_text(value); break;
        case Short::key_context: wrap(value, "context"); break;
        case Short::key_service: wrap(value, "service"); break;
        case Short::key_path: wrap(value, "path"); break;
        case Short::key_source: wrap(value, "source"); break;
        case Short::names: expand_names(value, Value()); break;
        case Short::dependencies: expand_dependencies(value); break;
        case Short::words: return expand_words(value, path);
        case Short::health_test:
            if (value.is_text()) replace(value, Value::of(std::vector<std::string>{"CMD-SHELL", value.text()}));
            break;
        case Short::ports: return expand_ports(value, path);
        case Short::volume: return expand_volume(value, path);
        case Short::device: expand_device(value); break;
        case Short::env_file: expand_env_file(value); break;
        case Short::hosts: return expand_hosts(value, path);
        case Short::external: expand_external(value); break;
        case Short::gpus: expand_gpus(value); break;
        case Short::ssh: expand_ssh(value); break;
    }
    if (type.form == Form::pairs) expand_pairs(value);
    return {};
}

}  // namespace

std::string child_path(const std::string& path, std::string_view key) {
    return path.empty() ? std::string(key) : std::format("{}.{}", path, key);
}

Result<void> expand(Value& value, const Type& type, const std::string& path) {
    TRY(expand_here(value, type, path));
    if (type.form == Form::list && value.is_list()) {
        for (std::size_t i = 0; i < value.items().size(); ++i) {
            TRY(expand(value.items()[i], *type.item, std::format("{}[{}]", path, i)));
        }
    }
    if ((type.form == Form::object || type.form == Form::map) && value.is_map()) {
        for (auto& [key, member] : value.members()) {
            const auto* below = member_type(type, key);
            if (below != nullptr) TRY(expand(member, *below, child_path(path, key)));
        }
    }
    return {};
}

}  // namespace diatom::compose
