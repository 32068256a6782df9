#include "engine/log_options.h"

#include <algorithm>
#include <array>

#include "base/go_regex.h"
#include "base/strings.h"
#include "engine/log_tag.h"
#include "http/client.h"

namespace diatom::engine {
namespace {

constexpr unsigned kMostFiles = 1000;
constexpr std::uint64_t kLocalSize = 20U << 20U;
constexpr unsigned kLocalFiles = 5;

using Given = std::map<std::string, std::string>;

Result<bool> parse_flag(const std::string& key, const std::string& value) {
    constexpr std::array<std::string_view, 6> kYes = {"1", "t", "T", "true", "TRUE", "True"};
    constexpr std::array<std::string_view, 6> kNo = {"0", "f", "F", "false", "FALSE", "False"};
    if (std::ranges::contains(kYes, value)) return true;
    if (std::ranges::contains(kNo, value)) return false;
    return fail(Kind::invalid, "log option {} \"{}\" is neither true nor false", key, value);
}

std::vector<std::string> parse_names(const std::string& value) {
    std::vector<std::string> names;
    for (const auto name : split(value, ',')) {
        if (!trim(name).empty()) names.emplace_back(trim(name));
    }
    return names;
}

// Of both drivers. Writing to a file never keeps a program waiting for a reader, so blocking and non-blocking are the
// same here, and there is no buffer that could overflow.
Result<bool> set_common(LogOptions& log, const std::string& key, const std::string& value, const Given& given) {
    if (key == "max-size") {
        const auto size = parse_bytes(value);
        if (!size || *size == 0) return fail(Kind::invalid, "log option max-size \"{}\" is not a size", value);
        log.max_size = *size;
    } else if (key == "max-file") {
        const auto count = parse_uint(value);
        if (!count || *count == 0 || *count > kMostFiles)
            return fail(Kind::invalid, "log option max-file \"{}\" must be from 1 to {}", value, kMostFiles);
        log.max_files = static_cast<unsigned>(*count);
    } else if (key == "compress") {
        log.compress = TRY(parse_flag(key, value));
    } else if (key == "mode") {
        if (!value.empty() && value != "blocking" && value != "non-blocking")
            return fail(Kind::invalid, "logger: logging mode \"{}\" is not supported: blocking or non-blocking", value);
    } else if (key == "max-buffer-size") {
        const auto mode = given.find("mode");
        if (mode == given.end() || mode->second != "non-blocking")
            return fail(Kind::invalid, "logger: max-buffer-size option is only supported with 'mode=non-blocking'");
        if (!parse_bytes(value)) return fail(Kind::invalid, "log option max-buffer-size \"{}\" is not a size", value);
    } else {
        return false;
    }
    return true;
}

Result<bool> set_json_file(LogOptions& log, const std::string& key, const std::string& value) {
    if (key == "labels") {
        log.labels = parse_names(value);
    } else if (key == "env") {
        log.env = parse_names(value);
    } else if (key == "labels-regex" || key == "env-regex") {
        TRY(GoRegex::compile(value), "log option {} \"{}\"", key, value);
        (key == "env-regex" ? log.env_regex : log.labels_regex) = value;
    } else if (key == "tag") {
        TRY(check_log_tag(value), "log option tag");
        log.tag = value;
    } else {
        return false;
    }
    return true;
}

void add_matching(std::map<std::string, std::string>& attributes, const std::map<std::string, std::string>& all,
                  const std::vector<std::string>& names, const std::string& regex) {
    for (const auto& name : names) {
        if (const auto found = all.find(name); found != all.end()) attributes.insert_or_assign(name, found->second);
    }
    if (regex.empty()) return;
    const auto pattern = GoRegex::compile(regex);
    for (const auto& [name, value] : all) {
        if (pattern && pattern->matches(name)) attributes.insert_or_assign(name, value);
    }
}

}  // namespace

Result<LogOptions> parse_log_options(const std::string& driver, const Given& given) {
    LogOptions log{.given = given};
    if (driver == "local") {
        log = {.driver = LogDriver::local, .max_size = kLocalSize, .max_files = kLocalFiles, .given = given};
    } else if (driver == "none") {
        log.driver = LogDriver::none;
        return log;
    } else if (!driver.empty() && driver != "json-file") {
        return fail(Kind::unsupported, "logging driver \"{}\" is not in this version: it has json-file, local and none",
                    driver);
    }
    const bool local = log.driver == LogDriver::local;
    log.compress = local;
    for (const auto& [key, value] : given) {
        if (TRY(set_common(log, key, value, given))) continue;
        if (!local && TRY(set_json_file(log, key, value))) continue;
        return fail(Kind::invalid,
                    "unknown log opt '{}' for {} log driver: it has max-size, max-file, compress, mode, "
                    "max-buffer-size{}",
                    key, local ? "local" : "json-file", local ? "" : ", labels, labels-regex, env, env-regex, tag");
    }
    if (log.compress && log.max_files < 2) {
        if (given.contains("compress"))
            return fail(Kind::invalid, "compress cannot be true when max-file is less than 2");
        log.compress = false;
    }
    return log;
}

std::map<std::string, std::string> log_attributes(const Container& container) {
    const auto& log = container.config.log;
    std::map<std::string, std::string> attributes, variables;
    for (const auto& variable : container.env) {
        if (const auto halves = cut(variable, '=')) variables[std::string(halves->first)] = halves->second;
    }
    add_matching(attributes, container.config.labels, log.labels, log.labels_regex);
    add_matching(attributes, variables, log.env, log.env_regex);
    if (!log.tag.empty()) attributes["tag"] = expand_log_tag(log.tag, container);
    return attributes;
}

std::string log_details(const std::map<std::string, std::string>& attributes) {
    std::vector<std::string> pairs;
    for (const auto& [name, value] : attributes)
        pairs.push_back(http::percent_encode(name) + "=" + http::percent_encode(value));
    return join(pairs, ",") + " ";
}

}  // namespace diatom::engine
