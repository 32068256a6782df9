#include "compose/model.h"

#include <algorithm>

#include "base/strings.h"
#include "compose/dotenv.h"
#include "compose/expand.h"
#include "compose/paths.h"
#include "compose/validate.h"
#include "document/yaml_reader.h"
#include "sys/file.h"

namespace diatom::compose {
namespace {

constexpr std::size_t kMaxIncludes = 64;

std::string home_of(const Environment& environment) {
    const auto it = environment.find("HOME");
    return it == environment.end() ? std::string() : it->second;
}

void set_missing(Value& map, std::string_view key, Value value) {
    if (map.is_map() && !map.has(key)) map.set(key, std::move(value));
}

// gpus, and devices of deploy.resources.reservations: all of them unless said otherwise.
void default_requests(Value* requests) {
    if (requests == nullptr) return;
    for (auto& request : requests->items()) {
        if (!request.has("count") && !request.has("device_ids")) request.set("count", Value::of("all"));
    }
}

Value* descend(Value* value, std::initializer_list<std::string_view> keys) {
    for (const auto key : keys) value = value == nullptr ? nullptr : value->find(key);
    return value;
}

void set_service_defaults(Value& service, const Environment& environment) {
    if (auto* build = service.find("build")) set_missing(*build, "context", Value::of("."));
    if (auto* secrets = service.find("secrets")) {
        for (auto& secret : secrets->items()) {
            set_missing(secret, "target", Value::of("/run/secrets/" + secret.text_of("source")));
        }
    }
    if (auto* ports = service.find("ports")) {
        for (auto& port : ports->items()) {
            set_missing(port, "protocol", Value::of("tcp"));
            set_missing(port, "mode", Value::of("ingress"));
        }
    }
    default_requests(service.find("gpus"));
    default_requests(descend(&service, {"deploy", "resources", "reservations", "devices"}));
    auto* variables = service.find("environment");
    if (variables == nullptr || !variables->is_map()) return;
    for (auto& [name, value] : variables->members()) {
        const auto found = environment.find(name);
        if (value.is_null() && found != environment.end()) value = Value::of(found->second);
    }
}

}  // namespace

Result<std::vector<Value>> ModelLoader::read(const std::string& file) {
    if (file != "-") return read_yaml(TRY(sys::read_file(file, kMaxDocument + 1)), file);
    if (!input_read_) {
        if (!input_) return fail(Kind::invalid, "there is no standard input to read a Compose file from");
        input_text_ = TRY(input_(), "read the Compose file from standard input");
        input_read_ = true;
    }
    return read_yaml(input_text_, "-");
}

Result<void> ModelLoader::prepare(Value& document, const Environment& environment) {
    if (interpolate_) {
        TRY(interpolate_tree(document, {environment, [this](std::string_view name) { unset_.emplace(name); }}));
    }
    return expand(document, document_type());
}

Result<void> ModelLoader::add_document(Value& model, Value document, const Place& place) {
    const auto resets = take_resets(document);
    TRY(prepare(document, place.environment));
    if (auto* services = document.find("services"); services != nullptr && services->is_map()) {
        TRY(apply_extends(*services, place, resets));
    }
    for (const auto& path : resets) drop_path(model, path);
    TRY(apply_includes(document, place));
    TRY(merge(model, std::move(document), &document_type()));
    drop_doubles(model, document_type());
    return {};
}

Result<Value> ModelLoader::load(const ModelSource& source) {
    auto model = Value::map();
    for (const auto& file : source.files) {
        auto documents = TRY(read(file));
        including_.push_back(file);
        for (auto& document : documents) {
            TRY(add_document(model, std::move(document), {file, source.directory, source.environment}));
        }
        including_.pop_back();
    }
    TRY(validate(model, document_type()));
    if (auto* services = model.find("services")) {
        for (auto& [name, service] : services->members()) set_service_defaults(service, source.environment);
    }
    resolve_paths(model, document_type(), {source.directory, home_of(source.environment)});
    return model;
}

Result<std::string> ModelLoader::find_name(const ModelSource& source) {
    std::string name;
    for (const auto& file : source.files) {
        for (const auto& document : TRY(read(file))) {
            if (!document.text_of("name").empty()) name = document.text_of("name");
        }
    }
    return interpolate_ ? interpolate(name, {source.environment}) : Result<std::string>(name);
}

// Includes.

Result<void> ModelLoader::apply_includes(Value& document, const Place& place) {
    if (!document.has("include")) return {};
    const auto includes = document.at("include");
    TRY(validate(includes, *member_type(document_type(), "include"), "include"));
    document.erase("include");
    for (const auto& include : includes.items()) {
        auto model = TRY(load_include(include, place));
        for (const auto* section : {"services", "volumes", "networks", "secrets", "configs"}) {
            auto* found = model.find(section);
            if (found == nullptr || !found->is_map()) continue;
            if (!document.at(section).is_map()) document.set(section, Value::map());
            for (auto& [name, value] : found->members()) {
                const auto* known = document.at(section).find(name);
                if (known != nullptr && !(*known == value)) {
                    return known->error(std::format("{}.{}", section, name),
                                        std::format("stands in the included {} too: give one of them another name, or "
                                                    "override it in a file of its own",
                                                    value.mark().file ? *value.mark().file : "file"));
                }
                document.find(section)->set(name, std::move(value));
            }
        }
    }
    return {};
}

Result<Value> ModelLoader::load_include(const Value& include, const Place& place) {
    const Base base{place.directory, home_of(place.environment)};
    ModelSource source;
    for (const auto& path : include.texts_of("path")) source.files.push_back(absolute_path(path, base));
    if (source.files.empty()) return include.error("include", "\"path\" is missing");
    if (std::ranges::contains(including_, source.files.front()) || including_.size() > kMaxIncludes) {
        return include.error("include", std::format("{} includes itself", source.files.front()));
    }
    const auto directory = include.text_of("project_directory");
    source.directory = directory.empty() ? parent_directory(source.files.front()) : absolute_path(directory, base);
    std::vector<std::string> env_files;
    for (const auto& path : include.texts_of("env_file")) env_files.push_back(absolute_path(path, base));
    if (!include.has("env_file") && sys::exists(source.directory + "/.env")) {
        env_files.push_back(source.directory + "/.env");
    }
    source.environment = TRY(read_env_files(env_files, place.environment));
    return load(source);
}

Result<Environment> read_env_files(const std::vector<std::string>& files, const Environment& outer) {
    Environment found;
    for (const auto& file : files) {
        auto seen = outer;
        seen.insert(found.begin(), found.end());
        for (auto& [name, value] : TRY(parse_dotenv(TRY(sys::read_file(file, kMaxDocument)), file, seen))) {
            found[name] = std::move(value);
        }
    }
    auto all = outer;
    all.insert(found.begin(), found.end());
    return all;
}

}  // namespace diatom::compose
