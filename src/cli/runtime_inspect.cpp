#include <array>
#include <cstdio>

#include "base/json.h"
#include "cli/runtime_command.h"
#include "oci/documents.h"
#include "sys/file.h"

namespace diatom::cli {
namespace {

constexpr std::array<OptionSpec, 2> kListOptions = {{
    {"--format", 'f', true, "table (default) or json"},
    {"--quiet", 'q', false, "IDs only"},
}};
constexpr std::array<OptionSpec, 2> kSpecOptions = {{
    {"--bundle", 'b', true, "the directory to write config.json to (default: the present one)"},
    {"--rootless", 0, false, "for a user namespace of the present user"},
}};

void print_table(const std::vector<oci::Found>& found) {
    std::size_t width = 2;
    for (const auto& container : found) width = std::max(width, container.record.spec.id.size());
    std::puts(std::format("{:{}}  {:>8}  {:8}  {:30}  {}", "ID", width, "PID", "STATUS", "CREATED", "BUNDLE").c_str());
    for (const auto& [record, status] : found) {
        const int pid = status == oci::Status::stopped ? 0 : record.process.pid;
        std::puts(std::format("{:{}}  {:>8}  {:8}  {:30}  {}", record.spec.id, width, pid, to_string(status),
                              record.created, record.spec.bundle)
                      .c_str());
    }
}

}  // namespace

Result<int> runtime_list(const oci::Place& place, std::span<char*> args) {
    const auto arguments = TRY(runtime_arguments(args, kListOptions, Words::none));
    if (arguments.has("--help")) return 0;
    const auto format = arguments.value("--format", "table");
    if (format != "table" && format != "json")
        return fail(Kind::invalid, "list: --format {}: it must be table or json", format);
    const auto found = TRY(oci::list(place));
    if (arguments.has("--quiet")) {
        for (const auto& container : found) std::puts(container.record.spec.id.c_str());
    } else if (format == "json") {
        Json all = Json::array();
        for (const auto& [record, status] : found) all.push_back(oci::state_of(record, status));
        std::puts(dump_json(all).c_str());
    } else {
        print_table(found);
    }
    return 0;
}

Result<int> runtime_features(const oci::Place&, std::span<char*> args) {
    const auto arguments = TRY(runtime_arguments(args, {}, Words::none));
    if (!arguments.has("--help")) TRY(print_json(oci::features()));
    return 0;
}

Result<int> runtime_spec(const oci::Place&, std::span<char*> args) {
    const auto arguments = TRY(runtime_arguments(args, kSpecOptions, Words::none));
    if (arguments.has("--help")) return 0;
    const auto path = arguments.value("--bundle", ".") + "/config.json";
    if (sys::exists(path)) return fail(Kind::conflict, "spec: {} exists already: remove it first", path);
    const auto document = oci::config_template(arguments.has("--rootless") ? oci::For::user_namespace : oci::For::root);
    TRY(sys::write_file(path, dump_json(document, 2) + "\n"));
    return 0;
}

}  // namespace diatom::cli
