#include <algorithm>
#include <array>
#include <cstdio>
#include <set>

#include "base/strings.h"
#include "cli/compose_command.h"
#include "sys/file.h"

namespace diatom::cli {
namespace {

constexpr std::array kOptions{
    OptionSpec{"--format", 0, true, "yaml (default) or json"},
    OptionSpec{"--quiet", 'q', false, "only check the files"},
    OptionSpec{"--output", 'o', true, "write to a file"},
    OptionSpec{"--services", 0, false, "the names of the services, one a line"},
    OptionSpec{"--volumes", 0, false, "the names of the volumes, one a line"},
    OptionSpec{"--profiles", 0, false, "the profiles of all services, one a line"},
    OptionSpec{"--images", 0, false, "the images of the services, one a line"},
    OptionSpec{"--environment", 0, false, "the variables that the files were read with"},
    OptionSpec{"--hash", 0, true, "SERVICE,... or \"*\": what tells whether a container is up to date"},
};

std::string lines(const std::set<std::string>& names) {
    std::string text;
    for (const auto& name : names) text += name + "\n";
    return text;
}

std::set<std::string> keys(const Value& map) {
    std::set<std::string> names;
    for (const auto& [name, value] : map.members()) names.insert(name);
    return names;
}

std::string images(const compose::Project& project) {
    std::string text;
    for (const auto& [name, service] : project.services().members()) {
        text += service.text_of("image", std::format("{}-{}", project.name, name)) + "\n";
    }
    return text;
}

Result<std::string> hashes(const compose::Project& project, const std::string& wanted) {
    std::string text;
    const auto names = split(wanted, ',');
    for (const auto& [name, service] : project.services().members()) {
        if (wanted != "*" && !std::ranges::contains(names, name)) continue;
        text += std::format("{} {}\n", name, compose::config_hash(service));
    }
    if (text.empty()) return fail(Kind::not_found, "no such service: {}", wanted);
    return text;
}

std::string variables(const compose::Project& project) {
    std::string text;
    for (const auto& [name, value] : project.environment) text += std::format("{}={}\n", name, value);
    return text;
}

// YAML reads better with the name first and what the services use behind them.
Value in_reading_order(const Value& document) {
    auto ordered = Value::map();
    for (const auto* key : {"name", "services", "networks", "volumes", "secrets", "configs"}) {
        if (document.has(key)) ordered.set(key, document.at(key));
    }
    for (const auto& [key, value] : document.members()) {
        if (!ordered.has(key)) ordered.set(key, value);
    }
    for (auto& [name, service] : ordered.find("services")->members()) {
        for (const auto* key : {"command", "entrypoint"}) {
            if (service.at(key).is_null()) service.erase(key);
        }
    }
    return ordered;
}

Result<std::string> render(const Arguments& arguments, const compose::Project& project) {
    if (arguments.has("--services")) return lines(keys(project.services()));
    if (arguments.has("--volumes")) return lines(keys(project.document.at("volumes")));
    if (arguments.has("--profiles")) return lines(project.profiles);
    if (arguments.has("--images")) return images(project);
    if (arguments.has("--environment")) return variables(project);
    if (arguments.has("--hash")) return hashes(project, arguments.value("--hash"));
    auto document = project.document;
    compose::escape_dollars(document);
    const auto format = arguments.value("--format", "yaml");
    if (format == "json") return to_json(document, JsonStyle::indented) + "\n";
    if (format == "yaml") return to_yaml(in_reading_order(document));
    return fail(Kind::invalid, "--format must be yaml or json, not {}", format);
}

}  // namespace

Result<int> compose_config(ComposeContext& context, std::span<char*> args) {
    const auto arguments = TRY(parse_arguments(args, kOptions));
    if (arguments.has("--help")) {
        std::fputs(usage("diatom compose config [OPTIONS] [SERVICE...]", kOptions).c_str(), stdout);
        return 0;
    }
    context.options.services = arguments.rest;
    const bool is_yaml = arguments.value("--format", "yaml") == "yaml";
    context.options.extensions = is_yaml ? compose::Extensions::keep : compose::Extensions::drop;
    if (arguments.has("--hash")) context.options.extensions = compose::Extensions::drop;
    const auto project = TRY(load_compose(context));
    if (arguments.has("--quiet")) return 0;
    const auto text = TRY(render(arguments, project));
    if (arguments.has("--output")) {
        TRY(sys::write_file(arguments.value("--output"), text));
    } else {
        std::fputs(text.c_str(), stdout);
    }
    return 0;
}

}  // namespace diatom::cli
