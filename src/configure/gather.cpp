#include "configure/gather.h"

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "cloud/cloud_config.h"
#include "cloud/rancher.h"
#include "config/boot_config.h"
#include "configure/hand_over.h"
#include "configure/instance_store.h"
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

constexpr std::array<std::string_view, 4> kRancherOfBoot{"rancher.autologin", "rancher.state.autoformat",
                                                         "rancher.debug", "rancher.recovery"};

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

// In the words of cloud-init and RancherOS. What it says of what has no meaning here is said when it is written.
void add_cloud_config(Gathered& gathered, const Root& root, const std::string& file) {
    auto text = sys::read_file(file, kMaxDocument + 1);
    auto config = text ? machine::read_document(*text, file) : Result<Value>(std::unexpected(text.error()));
    if (!config) {
        gathered.warnings.push_back(std::format("{} is left out: {}", file, config.error().what()));
        return;
    }
    auto translated = cloud::translate_cloud_config(*config, options_of_machine(root));
    for (const auto& warning : translated.warnings) gathered.warnings.push_back(warning.text);
    if (!translated.document.members().empty()) gathered.layers.add(file, std::move(translated.document));
}

Result<void> set_parameter(Value& document, std::string_view where, const std::string& text) {
    const auto path = TRY(machine::Path::parse(where));
    // [a, b] and {a: b} are what they are in a file.
    const auto read = TRY(read_yaml("value: " + text, "kernel command line"));
    return path.set(document, read.empty() ? Value::of(text) : read.front().at("value"));
}

// RancherOS's keys below ours.
void add_command_line(Gathered& gathered, const Root& root, const std::string& line) {
    std::vector<cloud::Parameter> parameters;
    for (const auto& [key, value] : config::split_command_line(line)) {
        // What PID 1 reads by itself is said there.
        const bool own = std::ranges::contains(kRancherOfBoot, key);
        if (!own) parameters.push_back({key, value});
    }
    if (const auto config = cloud::rancher_config(parameters); !config.members().empty()) {
        auto translated = cloud::translate_cloud_config(config, options_of_machine(root));
        for (const auto& warning : translated.warnings) gathered.warnings.push_back(warning.text);
        if (!translated.document.members().empty())
            gathered.layers.add("kernel command line (rancher.*)", std::move(translated.document));
    }
    auto said = decode_command_line(line, gathered.warnings);
    if (!said.members().empty()) gathered.layers.add("kernel command line", std::move(said));
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

std::vector<std::string> cloud_config_files(const std::string& state) {
    auto files = drop_ins(state + "/cloud-config.d");
    if (const auto own = state + "/cloud-config.yml"; sys::exists(own)) files.push_back(own);
    return files;
}

Gathered gather(const Places& places, Fetching& fetching) {
    Gathered gathered;
    add_file(gathered, places.image);
    for (const auto& file : cloud_config_files(places.state)) add_cloud_config(gathered, places.root, file);
    for (const auto& file : drop_ins(places.state + "/machine.d")) add_file(gathered, file);
    add_file(gathered, machine::Store(places.state).file());
    const InstanceStore store(places.root);
    if (const auto handed = store.read(store.current())) {
        for (const auto& instance : handed->instances) hand_over(instance, places.root, fetching, gathered);
    }
    add_command_line(gathered, places.root, sys::read_file(places.command_line, 64U << 10U).value_or(""));
    return gathered;
}

Gathered gather(const Places& places) {
    const InstanceStore store(places.root);
    Fetching fetching({.look = Look::kept_only, .directory = store.directory(store.current())});
    return gather(places, fetching);
}

}  // namespace diatom::configure
