#include "service/definitions.h"

#include <format>
#include <iterator>

#include "document/yaml_reader.h"
#include "service/labels.h"
#include "sys/file.h"

namespace diatom::service {
namespace {

struct Documents {
    std::vector<Value> values;
    std::vector<std::string> problems;
};

Documents read_files(const std::vector<std::string>& files) {
    Documents found;
    for (const auto& file : files) {
        const auto text = sys::read_file(file, kMaxDocument + 1);
        auto values = text ? read_yaml(*text, file) : Result<std::vector<Value>>(Failure(text.error()));
        if (!values) found.problems.push_back(values.error().what());
        else
            for (auto& value : *values) found.values.push_back(std::move(value));
    }
    return found;
}

compose::LoadOptions load_options(const Sources& sources, Scope scope, std::vector<std::string> files) {
    compose::LoadOptions options;
    options.files = std::move(files);
    options.name = project_name(scope);
    options.directory = sources.scratch;
    options.environment = sources.environment;
    options.current_directory = sources.scratch;
    return options;
}

// The name of the file that it was read from.
std::string origin_of(const Value& document) {
    const auto& file = document.mark().file;
    return file ? file->substr(file->rfind('/') + 1) : "services.yml";
}

// All at once, for they may depend on each other; where that fails, each as soon as what it depends on is there.
void add_projects(const Sources& sources, Scope scope, std::vector<std::string> files, Definitions& made) {
    const auto load = [&](std::vector<std::string> chosen) {
        return compose::load_project(load_options(sources, scope, std::move(chosen)));
    };
    if (files.empty()) return;
    if (auto all = load(files)) {
        made.project = std::move(*all);
        return;
    }
    std::vector<std::string> good;
    const auto add = [&](const std::string& file) {
        auto with = good;
        with.push_back(file);
        auto project = load(with);
        if (!project) return false;
        made.project = std::move(*project);
        good = std::move(with);
        return true;
    };
    while (std::erase_if(files, add) > 0) {}
    for (const auto& file : files) {
        auto with = good;
        with.push_back(file);
        made.problems.push_back(load(with).error().what());
    }
}

}  // namespace

std::string_view project_name(Scope scope) noexcept { return scope == Scope::system ? "system" : "services"; }

const char* engine_name(Scope scope) noexcept { return scope == Scope::system ? "system" : "user"; }

const char* engine_socket(Scope scope) noexcept {
    return scope == Scope::system ? "/run/diatom/system.sock" : "/run/docker.sock";
}

Result<Definitions> read_definitions(const Sources& sources, Scope scope) {
    auto read = read_files(sources.files);
    auto translated = translate(std::move(read.values), sources, scope);
    Definitions made;
    made.project.name = project_name(scope);
    made.traits = std::move(translated.traits);
    made.problems = std::move(read.problems);
    std::ranges::move(translated.problems, std::back_inserter(made.problems));

    TRY(sys::remove_tree(sources.scratch));
    TRY(sys::make_dirs(sources.scratch, 0700));
    std::vector<std::string> files;
    for (const auto& document : translated.documents) {
        if (document.has("services") && document.at("services").members().empty()) continue;
        files.push_back(std::format("{}/{:03}-{}", sources.scratch, files.size(), origin_of(document)));
        TRY(sys::write_file(files.back(), to_yaml(document), 0600));
    }
    add_projects(sources, scope, std::move(files), made);
    return made;
}

}  // namespace diatom::service
