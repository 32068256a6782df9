// `cloud-init`: how the machine was configured, for tools that ask it. Source: cloud-init 25.2, "CLI commands".
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>

#include "base/strings.h"
#include "cli/arguments.h"
#include "cli/check_document.h"
#include "cli/command.h"
#include "cli/http_get.h"
#include "cloud/jinja.h"
#include "config/version.h"
#include "configure/apply.h"
#include "configure/hand_over.h"
#include "configure/instance_store.h"
#include "document/yaml_reader.h"
#include "machine/store.h"
#include "sys/file.h"

namespace diatom::cli {
namespace {

constexpr const char* kSystemEngine = "/run/diatom/system.sock";
constexpr useconds_t kPauseUs = 250'000;

constexpr std::array<OptionSpec, 13> kOptions{{
    {"--wait", 'w', false, "status: until it is done"},
    {"--long", 'l', false, "status: with details; query: the keys that there are"},
    {"--format", 'f', true, "status: tabular, json or yaml; query: a template, {{ v1.region }}"},
    {"--all", 'a', false, "query: everything"},
    {"--list-keys", 0, false, "query: the keys that there are"},
    {"--user-data", 'u', true, "query: a file in place of the instance's user-data"},
    {"--vendor-data", 'v', true, "query: a file in place of the instance's vendor-data"},
    {"--instance-data", 'i', true, "query: a JSON file in place of the instance's data"},
    {"--config-file", 'c', true, "schema: the file to check"},
    {"--system", 0, false, "schema: check the instance's user-data"},
    {"--annotate", 0, false, "schema: as always, with lines"},
    {"--version", 0, false, "the version"},
    {"--schema-type", 't', true, "schema: cloud-config (as always) or network-config"},
}};
constexpr const char* kUsage =
    "cloud-init COMMAND\n"
    "  status              not started, running, done or error; the exit code is 1 for an error\n"
    "  query [KEY]         what the platform says: v1.region, ds.meta_data, userdata\n"
    "  schema -c FILE      what is wrong with a cloud-config, or a network-config";

// ---- status

struct Status {
    std::string state;  // as cloud-init has it
    std::vector<std::string> errors;
    std::string source;
};

std::optional<platform::Instance> instance_of_boot() {
    const configure::InstanceStore store;
    auto handed = store.read(store.current());
    if (!handed || handed->instances.empty()) return std::nullopt;
    return std::move(handed->instances.back());
}

// The service `configure` does what is left when the engines are up; that it did is written down in this boot, for its
// container may be of an earlier one until the engine has made another.
std::string state_now() {
    if (!sys::exists(configure::kLate)) return "done";
    const auto late = http_get(kSystemEngine, "/containers/configure/json");
    const auto& state = late ? json_member(*late, "State") : Json();
    if (json_bool(state, "Running").value_or(false)) return "running";
    if (json_string(state, "Status") == "exited" && json_int(state, "ExitCode").value_or(0) != 0) return "error";
    return sys::exists(configure::kLateDone) ? "done" : "not started";
}

Status status_now() {
    Status status;
    const auto instance = instance_of_boot();
    status.source = instance ? std::format("DataSource{}", to_string(instance->platform)) : "DataSourceNone";
    status.state = state_now();
    if (status.state == "error")
        status.errors.emplace_back("a step of the first boot failed: `diatom logs configure` has it");
    return status;
}

Result<int> show_status(const Arguments& arguments) {
    auto status = status_now();
    while (arguments.has("--wait") && (status.state == "running" || status.state == "not started")) {
        if (!arguments.has("--format")) std::fputs(".", stdout), std::fflush(stdout);
        ::usleep(kPauseUs);
        status = status_now();
    }
    if (arguments.has("--wait") && !arguments.has("--format")) std::puts("");
    const auto format = arguments.value("--format", "tabular");
    const Json details{{"status", status.state},
                       {"extended_status", status.state},
                       {"detail", status.source},
                       {"datasource", to_lower(status.source.substr(10))},
                       {"errors", status.errors},
                       {"recoverable_errors", Json::object()},
                       {"boot_status_code", "enabled-by-generator"}};
    if (format == "json") std::puts(dump_json(details, 2).c_str());
    else if (format == "yaml" || arguments.has("--long"))
        for (const auto& [key, value] : details.items())
            std::puts(
                std::format("{}: {}", key, value.is_string() ? value.get<std::string>() : dump_json(value)).c_str());
    else if (format == "tabular") std::puts(std::format("status: {}", status.state).c_str());
    else return fail(Kind::invalid, "--format {}: must be tabular, json or yaml", format);
    return status.state == "error" ? 1 : 0;
}

// ---- query

Result<Value> text_in(const std::string& file) { return Value::of(TRY(sys::read_file(file, platform::kMaxBody))); }

Result<Value> data_for_query(const Arguments& arguments) {
    const auto instance = instance_of_boot().value_or(platform::Instance{});
    auto data = configure::instance_data_of(instance);
    if (arguments.has("--instance-data")) {
        const auto file = arguments.value("--instance-data");
        data = TRY(machine::read_document(TRY(sys::read_file(file, kMaxDocument + 1)), file));
    }
    data.set("userdata", instance.user_data ? Value::of(instance.user_data->bytes) : Value::of(""));
    data.set("vendordata", instance.vendor_data.empty() ? Value::of("") : Value::of(instance.vendor_data.back().bytes));
    if (arguments.has("--user-data")) data.set("userdata", TRY(text_in(arguments.value("--user-data"))));
    if (arguments.has("--vendor-data")) data.set("vendordata", TRY(text_in(arguments.value("--vendor-data"))));
    return data;
}

void print_value(const Value& value) {
    const bool plain = !value.is_map() && !value.is_list();
    std::puts((plain ? value.scalar_text() : to_json(value, JsonStyle::indented)).c_str());
}

Result<int> query(const Arguments& arguments, const std::vector<std::string>& words) {
    const auto data = TRY(data_for_query(arguments));
    if (arguments.has("--format")) {
        const auto rendered = cloud::render_jinja("## template: jinja\n" + arguments.value("--format"), data);
        if (!rendered) return fail(Kind::invalid, "--format: {}", rendered.error().message);
        std::puts(rendered->text.c_str());
        return 0;
    }
    if (arguments.has("--all")) {
        print_value(data);
        return 0;
    }
    const auto path = words.empty() ? machine::Path() : TRY(machine::Path::parse(words[0]));
    const auto* value = path.find(data);
    if (value == nullptr) return fail(Kind::not_found, "Undefined variable \"{}\"", words[0]);
    if (arguments.has("--list-keys") || arguments.has("--long")) {
        if (!value->is_map())
            return fail(Kind::invalid, "--list-keys: {} is no mapping", words.empty() ? "" : words[0]);
        for (const auto& [key, member] : value->members()) std::puts(key.c_str());
        return 0;
    }
    if (words.empty())
        return fail(Kind::invalid, "usage: cloud-init query KEY, --all, --list-keys or --format TEMPLATE");
    print_value(*value);
    return 0;
}

// ---- schema

Result<int> check_schema(const Arguments& arguments) {
    std::string file = arguments.value("--config-file"), text;
    const auto instance = instance_of_boot();
    if (arguments.has("--system")) {
        if (!instance || !instance->user_data) return fail(Kind::not_found, "the instance has no user-data");
        file = "user-data";
        text = instance->user_data->bytes;
    } else if (file.empty()) {
        return fail(Kind::invalid, "usage: cloud-init schema -c FILE, or --system");
    } else {
        text = TRY(sys::read_file(file, kMaxDocument + 1));
    }
    const auto type = arguments.value("--schema-type", "cloud-config");
    if (type != "cloud-config" && type != "network-config")
        return fail(Kind::invalid, "--schema-type {}: must be cloud-config or network-config", type);
    const auto checked = type == "network-config"
                             ? TRY(check_network_config(text, file))
                             : check_cloud_init(text, file, instance.value_or(platform::Instance{}));
    for (const auto& mistake : checked.mistakes) std::fprintf(stderr, "Error: %s\n", mistake.c_str());
    for (const auto& note : checked.notes) std::fprintf(stderr, "Note: %s\n", note.c_str());
    const bool valid = checked.mistakes.empty();
    std::puts(std::format("{} schema {}", valid ? "Valid" : "Invalid", file).c_str());
    return valid ? 0 : 1;
}

Result<int> run(std::span<char*> args) {
    const auto arguments = TRY(parse_arguments(args, kOptions));
    const auto& words = arguments.rest;
    if (arguments.has("--version")) {
        std::puts(std::format("cloud-init of Diatom OS {}", config::version()).c_str());
        return 0;
    }
    if (arguments.has("--help") || words.empty()) {
        std::fputs((usage(kUsage, kOptions) + "\n").c_str(), stdout);
        return arguments.has("--help") ? 0 : 2;
    }
    const std::vector<std::string> more(words.begin() + 1, words.end());
    if (words[0] == "status") return show_status(arguments);
    if (words[0] == "query") return query(arguments, more);
    if (words[0] == "schema") return check_schema(arguments);
    return fail(
        Kind::unsupported,
        "{}: the machine configures itself; `diatom config` shows and changes how: status, query and schema are "
        "here",
        words[0]);
}

}  // namespace

int cloud_init_command(std::span<char*> args) {
    const auto code = run(args);
    return code ? *code : report("cloud-init", code.error());
}

}  // namespace diatom::cli
