#include "service/sources.h"

#include <algorithm>
#include <format>

#include "base/strings.h"
#include "config/yaml.h"
#include "configure/digest.h"
#include "document/yaml_reader.h"
#include "sys/file.h"

namespace diatom::service {
namespace {

std::vector<std::string> lines_of(const std::string& file) {
    std::vector<std::string> lines;
    const auto text = sys::read_file(file, config::kMaxYaml).value_or("");
    for (const auto line : split(text, '\n')) {
        if (!trim(line).empty()) lines.emplace_back(trim(line));
    }
    return lines;
}

Result<std::string> contents_of(const Included& included, configure::Fetching& fetching) {
    if (included.is_url()) return fetching.get({.url = included.place});
    return sys::read_file(included.place, kMaxDocument + 1);
}

// As a file whose name says where it came from, which Compose's errors name.
Result<std::string> bring(const Included& included, const std::string& directory, std::size_t number,
                          configure::Fetching& fetching) {
    const auto contents = TRY(contents_of(included, fetching));
    if (!included.digest.empty()) {
        auto check = TRY(configure::DigestCheck::create(included.digest));
        check.add(contents);
        TRY(check.finish());
    }
    if (!included.is_url()) return included.place;
    const auto path = std::string_view(included.place).substr(0, included.place.find('?'));
    auto file = std::format("{}/{}-{}", directory, number, path.substr(path.rfind('/') + 1));
    TRY(sys::write_file(file, contents, 0600));
    return file;
}

}  // namespace

Result<Included> parse_included(std::string_view text) {
    const auto halves = cut_last(text, '#').value_or(Halves{text, ""});
    Included included{std::string(halves.first), std::string(halves.second)};
    const bool fits = included.place.starts_with('/') || included.place.starts_with("http://") ||
                      included.place.starts_with("https://");
    if (!fits) return fail(Kind::invalid, "{} is neither an absolute path nor a URL of http or https", text);
    if (!included.digest.empty()) TRY(configure::DigestCheck::create(included.digest), "{}", text);
    return included;
}

Sources find_sources(const Places& places, configure::Fetching& fetching, std::vector<std::string>& problems) {
    Sources sources{.files = {}, .own = {}, .disabled = {}, .environment = {}, .scratch = places.scratch + "/read"};
    for (const auto& name : config::disabled_services(places.configured)) sources.disabled.insert(name);
    if (auto own = config::load_services(places.own)) {
        config::add_configured(*own, places.configured);
        for (const auto& service : *own) sources.own.insert(service.name);
    } else {
        problems.push_back(own.error().what());
    }
    const auto projects = places.configured + "/" + config::kProjects;
    auto names = sys::list_dir(projects).value_or(std::vector<std::string>());
    std::ranges::sort(names);
    for (const auto& name : names) {
        if (name.ends_with(".yml")) sources.files.push_back(projects + "/" + name);
    }
    const auto fetched = places.scratch + "/fetched";
    std::ignore = sys::remove_tree(fetched);
    if (auto made = sys::make_dirs(fetched, 0700); !made) problems.push_back(made.error().what());
    std::size_t number = 0;
    for (const auto& line : lines_of(projects + "/" + config::kIncluded)) {
        const bool is_name = !line.contains('/');
        auto included = parse_included(is_name ? std::format("{}/{}.yml", places.optional, line) : line);
        auto file = included ? bring(*included, fetched, number++, fetching) : Failure(included.error());
        if (file) sources.files.push_back(std::move(*file));
        else problems.push_back(std::format("{}: {}", line, file.error().what()));
    }
    return sources;
}

}  // namespace diatom::service
