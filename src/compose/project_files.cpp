#include "compose/project_files.h"

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "compose/paths.h"
#include "sys/file.h"

namespace diatom::compose {
namespace {

constexpr std::array kFileNames{"compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"};
constexpr std::array kOverrideNames{"compose.override.yml", "compose.override.yaml", "docker-compose.override.yml",
                                    "docker-compose.override.yaml"};

std::string variable(const Environment& environment, std::string_view name) {
    const auto it = environment.find(name);
    return it == environment.end() ? std::string() : it->second;
}

bool is_true(std::string_view text) { return text == "1" || text == "t" || to_lower(text) == "true"; }

std::optional<std::string> first_of(const std::string& directory, std::span<const char* const> names) {
    for (const auto* name : names) {
        auto path = clean_path(std::format("{}/{}", directory, name));
        if (sys::exists(path)) return path;
    }
    return std::nullopt;
}

// In the directory, or in one above it.
Result<std::vector<std::string>> usual_files(const std::string& from) {
    for (std::string directory = from;; directory = parent_directory(directory)) {
        if (auto file = first_of(directory, kFileNames)) {
            std::vector<std::string> files{*file};
            if (auto more = first_of(directory, kOverrideNames)) files.push_back(*more);
            return files;
        }
        if (directory == "/") break;
    }
    return fail(
        Kind::not_found,
        "no compose.yaml, compose.yml, docker-compose.yml or docker-compose.yaml in {} or above it: name a file "
        "with -f",
        from);
}

std::vector<std::string> absolute(const std::vector<std::string>& files, const Base& base) {
    std::vector<std::string> list;
    for (const auto& file : files) list.push_back(file == "-" ? file : absolute_path(file, base));
    return list;
}

std::vector<std::string> split_texts(std::string_view text, char separator) {
    std::vector<std::string> list;
    for (const auto part : split(text, separator)) {
        if (!trim(part).empty()) list.emplace_back(trim(part));
    }
    return list;
}

Result<Environment> add_env_files(const LoadOptions& options, const Environment& environment,
                                  const std::string& directory, const Base& base) {
    auto files = absolute(options.env_files, base);
    if (files.empty()) files = absolute(split_texts(variable(environment, "COMPOSE_ENV_FILES"), ','), base);
    if (files.empty()) {
        if (is_true(variable(environment, "COMPOSE_DISABLE_ENV_FILE"))) return environment;
        if (const auto usual = directory + "/.env"; sys::exists(usual)) files.push_back(usual);
    }
    return read_env_files(files, environment);
}

Failure bad_name(std::string_view name) {
    return fail(
        Kind::invalid,
        "\"{}\" cannot name a project: use lowercase letters, digits, '-' and '_', beginning with a letter or a "
        "digit",
        name);
}

}  // namespace

std::string normalize_name(std::string_view text) {
    std::string name;
    for (const char c : to_lower(text)) {
        const bool allowed = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
        const bool leading = name.empty() && (c == '_' || c == '-');
        if (allowed && !leading) name += c;
    }
    return name;
}

Result<Origin> find_origin(const LoadOptions& options) {
    Origin origin;
    auto& [source, is_named, name, profiles] = origin;
    source.environment = options.environment;
    const Base base{options.current_directory, variable(options.environment, "HOME")};
    source.files = absolute(options.files, base);
    source.directory = options.directory.empty() ? "" : absolute_path(options.directory, base);
    if (source.files.empty()) {
        // The first .env may say where the files are.
        const auto& first = source.directory.empty() ? base.directory : source.directory;
        source.environment = TRY(add_env_files(options, source.environment, first, base));
        const auto separator = variable(source.environment, "COMPOSE_PATH_SEPARATOR");
        source.files = absolute(
            split_texts(variable(source.environment, "COMPOSE_FILE"), separator.empty() ? ':' : separator.front()),
            base);
        if (source.files.empty()) source.files = TRY(usual_files(first));
    }
    if (source.directory.empty()) {
        source.directory = source.files.front() == "-" ? base.directory : parent_directory(source.files.front());
    }
    source.environment = TRY(add_env_files(options, source.environment, source.directory, base));

    name = options.name.empty() ? variable(source.environment, "COMPOSE_PROJECT_NAME") : options.name;
    is_named = !name.empty();
    if (is_named && normalize_name(name) != name) return bad_name(name);
    if (!is_named) name = normalize_name(source.directory.substr(source.directory.rfind('/') + 1));
    profiles = options.profiles;
    if (profiles.empty()) profiles = split_texts(variable(source.environment, "COMPOSE_PROFILES"), ',');
    return origin;
}

}  // namespace diatom::compose
