#include "machine/json_schema.h"

#include <cstdint>

#include "machine/schema.h"

namespace diatom::machine {
namespace {

std::string_view name_of(Applies applies) {
    switch (applies) {
        case Applies::live: return "live";
        case Applies::next_boot: return "at the next boot";
        case Applies::first_boot: return "once in the life of an instance";
    }
    return "";
}

Json schema_of(const Type& type);

Json object_schema(const Type& type) {
    Json properties = Json::object();
    for (const auto& key : type.keys) {
        auto property = schema_of(*key.type);
        property["description"] = std::string(key.summary) + "; applied " + std::string(name_of(key.applies));
        properties[std::string(key.name)] = std::move(property);
    }
    return {{"type", {"object", "null"}}, {"properties", std::move(properties)}, {"additionalProperties", false}};
}

Json text_schema(const Type& type) {
    // A null takes away what sources of lower precedence say.
    if (!type.choices.empty()) {
        Json choices(type.choices);
        choices.push_back(nullptr);
        return {{"enum", std::move(choices)}};
    }
    if (type.format == nullptr) return {{"type", {"string", "number", "boolean", "null"}}};
    return {{"type", {"string", "null"}}, {"format", type.format->name}};
}

Json number_schema(const Type& type) {
    Json schema{{"type", {"integer", "null"}}};
    if (type.least != INT64_MIN) schema["minimum"] = type.least;
    if (type.most != INT64_MAX) schema["maximum"] = type.most;
    return schema;
}

Json schema_of(const Type& type) {
    switch (type.form) {
        case Form::text: break;
        case Form::number: return number_schema(type);
        case Form::boolean: return {{"type", {"boolean", "null"}}};
        case Form::list: return {{"type", {"array", "null"}}, {"items", schema_of(*type.item)}};
        case Form::object: return object_schema(type);
        case Form::compose: return {{"type", {"object", "null"}}};
        case Form::map: {
            Json schema{{"type", {"object", "null"}}, {"additionalProperties", schema_of(*type.item)}};
            if (type.format != nullptr) schema["propertyNames"] = {{"format", type.format->name}};
            return schema;
        }
        case Form::command:
            return {{"type", {"string", "array", "null"}},
                    {"items", {{"type", {"string", "number", "boolean"}}}},
                    {"minItems", 1}};
    }
    auto schema = text_schema(type);
    if (type.secret) schema["writeOnly"] = true;
    return schema;
}

}  // namespace

Json json_schema() {
    auto schema = schema_of(machine_type());
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
    schema["title"] = "Configuration of a Diatom OS machine";
    return schema;
}

}  // namespace diatom::machine
