#include "cli/ros_config.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/strings.h"
#include "cli/arguments.h"
#include "cli/service_parts.h"
#include "cloud/cloud_config.h"
#include "configure/gather.h"
#include "configure/hand_over.h"
#include "document/yaml_reader.h"
#include "machine/layers.h"
#include "machine/store.h"
#include "sys/file.h"

namespace diatom::cli {
namespace {

using machine::Path;

constexpr std::array<OptionSpec, 6> kOptions{{
    {"--input", 'i', true, "merge, validate: the file to read (standard input)"},
    {"--output", 'o', true, "export: the file to write (standard output)"},
    {"--private", 'p', false, "export: with passwords and keys"},
    {"--full", 'f', false, "export: with what the platform handed over, too"},
    {"--update", 'u', false, "as always"},
    {"--boot", 'b', false, "as always"},
}};
constexpr const char* kUsage =
    "ros config COMMAND\n"
    "  get KEY             what cloud-config says of it: rancher.docker.tls, hostname\n"
    "  set KEY VALUE       change cloud-config.yml; VALUE is YAML\n"
    "  export              cloud-config.yml\n"
    "  merge               put the keys of a file into cloud-config.yml\n"
    "  validate            say what of a file has no meaning, or another one, here\n"
    "  images              the images of the services";

std::string own_file() { return std::string(machine::kConfigDir) + "/cloud-config.yml"; }

Result<Value> read_own() {
    const auto file = own_file();
    if (!sys::exists(file)) return Value::map();
    return machine::read_document(TRY(sys::read_file(file, kMaxDocument + 1)), file);
}

std::vector<cloud::Warning> warnings_of(const Value& config) {
    return cloud::translate_cloud_config(config, configure::options_of_machine()).warnings;
}

bool tell(const Value& config) {
    const auto warnings = warnings_of(config);
    for (const auto& warning : warnings) std::fprintf(stderr, "ros config: %s\n", warning.text.c_str());
    return warnings.empty();
}

// What is said anew is told of, and taken all the same, as RancherOS takes it.
Result<void> write_own(const Value& config, const Value& said) {
    tell(said);
    TRY(sys::make_dirs(machine::kConfigDir, 0700));
    return sys::write_file_atomic(own_file(), "#cloud-config\n" + to_yaml(config), 0600);
}

// All that is said in cloud-config's words on this machine.
Value everything() {
    auto all = Value::map();
    for (const auto& file : configure::cloud_config_files(machine::kConfigDir)) {
        const auto text = sys::read_file(file, kMaxDocument + 1);
        auto config = text ? machine::read_document(*text, file) : Result<Value>(Failure(text.error()));
        if (config) all = machine::merge(std::move(all), *config);
    }
    return all;
}

Result<int> get(const std::vector<std::string>& words) {
    if (words.size() != 1) return fail(Kind::invalid, "usage: ros config get KEY");
    const auto path = TRY(Path::parse(words[0]));
    const auto all = everything();
    const auto* value = path.find(all);
    // As RancherOS answers for what nobody has set.
    if (value == nullptr) std::puts("null\n");
    else if (value->is_map() || value->is_list()) std::puts(to_yaml(*value).c_str());
    else std::puts((value->scalar_text() + "\n").c_str());
    return 0;
}

Result<int> set(const std::vector<std::string>& words) {
    if (words.size() != 2) return fail(Kind::invalid, "usage: ros config set KEY VALUE");
    const auto path = TRY(Path::parse(words[0]));
    const auto value = TRY(machine::read_document("value: " + words[1], words[0])).at("value");
    auto config = TRY(read_own());
    TRY(path.set(config, value));
    auto said = Value::map();
    TRY(path.set(said, value));
    TRY(write_own(config, said));
    return 0;
}

Result<Value> read_input(const Arguments& arguments) {
    const auto file = arguments.value("--input", "-");
    const auto text =
        file == "-" ? TRY(sys::read_all(FdRef(0), kMaxDocument + 1)) : TRY(sys::read_file(file, kMaxDocument + 1));
    return machine::read_document(text, file == "-" ? "standard input" : file);
}

bool is_secret(std::string_view key) {
    return key.contains("password") || key.contains("passwd") || key.ends_with("_key") || key == "psk" ||
           key == "auth" || key == "identitytoken";
}

void hide(Value& value) {
    if (value.is_map()) {
        std::erase_if(value.members(), [](const Member& member) { return is_secret(member.first); });
        for (auto& [key, member] : value.members()) hide(member);
    }
    for (auto& item : value.items()) hide(item);
}

Result<int> export_own(const Arguments& arguments) {
    auto config = arguments.has("--full") ? everything() : TRY(read_own());
    if (!arguments.has("--private")) hide(config);
    const auto text = to_yaml(config);
    if (arguments.has("--output")) TRY(sys::write_file(arguments.value("--output"), text, 0600));
    else std::puts(text.c_str());
    return 0;
}

Result<int> merge(const Arguments& arguments) {
    const auto more = TRY(read_input(arguments));
    TRY(write_own(machine::merge(TRY(read_own()), more), more));
    return 0;
}

Result<int> images() {
    const auto services = TRY(read_services(Look::as_written));
    std::vector<std::string> images;
    for (const auto* project : {&services.system.project, &services.user.project}) {
        for (const auto& [name, service] : project->services().members()) images.push_back(service.text_of("image"));
    }
    std::ranges::sort(images);
    const auto twice = std::ranges::unique(images);
    images.erase(twice.begin(), twice.end());
    for (const auto& image : images) std::puts(image.c_str());
    return 0;
}

}  // namespace

Result<int> ros_config(std::span<char*> args) {
    const auto arguments = TRY(parse_arguments(args, kOptions));
    const auto& words = arguments.rest;
    if (arguments.has("--help") || words.empty()) {
        std::fputs((usage(kUsage, kOptions) + "\n").c_str(), stdout);
        return arguments.has("--help") ? 0 : 2;
    }
    const std::vector<std::string> more(words.begin() + 1, words.end());
    if (words[0] == "get") return get(more);
    if (words[0] == "set") return set(more);
    if (words[0] == "export") return export_own(arguments);
    if (words[0] == "merge") return merge(arguments);
    if (words[0] == "validate") return tell(TRY(read_input(arguments))) ? 0 : 1;
    if (words[0] == "images") return images();
    if (words[0] == "generate")
        return fail(Kind::unsupported,
                    "generate: write the file and `ros config merge -i FILE`, or `diatom config set`");
    if (words[0] == "syslinux")
        return fail(Kind::unsupported, "syslinux: this machine is started by systemd-boot, from one signed file");
    return fail(Kind::invalid, "no such command: {}; \"ros config --help\" lists them", words[0]);
}

}  // namespace diatom::cli
