#include "configure/gather.h"

#include <algorithm>

#include "base/strings.h"
#include "config/boot_config.h"
#include "document/yaml_reader.h"
#include "machine/check.h"
#include "machine/store.h"
#include "sys/file.h"

namespace diatom::configure {
namespace {

constexpr std::string_view kSet = "diatom.set.";

// Parameters that PID 1 reads by itself, with their place in the document.
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kKnown{{
    {"diatom.hostname", "hostname"},
    {"diatom.http_proxy", "proxies.http"},
    {"diatom.https_proxy", "proxies.https"},
}};

void add_file(Gathered& gathered, const std::string& file) {
    if (!sys::exists(file)) return;
    auto text = sys::read_file(file, kMaxDocument + 1);
    auto document = text ? machine::read_document(*text, file) : Result<Value>(std::unexpected(text.error()));
    const auto valid = document ? machine::require_valid(*document) : Result<void>();
    if (document && valid) gathered.layers.add(file, std::move(*document));
    else
        gathered.warnings.push_back(
            std::format("{} is left out: {}", file, (document ? valid.error() : document.error()).what()));
}

std::vector<std::string> drop_ins(const std::string& directory) {
    auto names = sys::list_dir(directory).value_or(std::vector<std::string>{});
    std::erase_if(names, [](const std::string& name) { return !name.ends_with(".yml"); });
    std::ranges::sort(names);
    for (auto& name : names) name = directory + "/" + name;
    return names;
}

Result<void> set_parameter(Value& document, std::string_view where, const std::string& text) {
    const auto path = TRY(machine::Path::parse(where));
    // [a, b] and {a: b} are what they are in a file.
    const auto read = TRY(read_yaml("value: " + text, "kernel command line"));
    return path.set(document, read.empty() ? Value::of(text) : read.front().at("value"));
}

}  // namespace

Value decode_command_line(std::string_view line, std::vector<std::string>& warnings) {
    auto document = Value::map();
    for (const auto& parameter : config::split_command_line(line)) {
        const auto known =
            std::ranges::find(kKnown, parameter.key, &std::pair<std::string_view, std::string_view>::first);
        std::string_view where = parameter.key;
        if (known != kKnown.end()) where = known->second;
        else if (where.starts_with(kSet)) where.remove_prefix(kSet.size());
        else continue;
        auto set = set_parameter(document, where, parameter.value.value_or("true"));
        if (!set) warnings.push_back(std::format("kernel command line: {}: {}", parameter.key, set.error().what()));
    }
    for (const auto& problem : machine::keep_valid(document)) warnings.push_back(problem.text);
    return document;
}

Gathered gather(const Places& places) {
    Gathered gathered;
    add_file(gathered, places.image);
    for (const auto& file : drop_ins(places.state + "/machine.d")) add_file(gathered, file);
    add_file(gathered, machine::Store(places.state).file());
    const auto line = sys::read_file(places.command_line, 64U << 10U).value_or("");
    auto said = decode_command_line(line, gathered.warnings);
    if (!said.members().empty()) gathered.layers.add("kernel command line", std::move(said));
    return gathered;
}

}  // namespace diatom::configure
