#include <algorithm>
#include <array>
#include <cstdio>

#include "base/strings.h"
#include "cli/compose_command.h"
#include "sys/clock.h"

namespace diatom::cli {
namespace {

constexpr std::array kOptions{
    OptionSpec{"--all", 'a', false, "stopped ones too"},
    OptionSpec{"--quiet", 'q', false, "only the ids"},
    OptionSpec{"--services", 0, false, "only the names of the services"},
    OptionSpec{"--format", 0, true, "table (default) or json"},
};

std::string ports_of(const compose::Container& container) {
    std::vector<std::string> parts;
    for (const auto& port : container.ports) {
        const auto inside =
            std::format("{}/{}", json_int(port, "PrivatePort").value_or(0), json_string(port, "Type").value_or("tcp"));
        const auto outside = json_int(port, "PublicPort").value_or(0);
        const auto ip = json_string(port, "IP").value_or("");
        parts.push_back(
            outside == 0 ? inside : std::format("{}:{}->{}", ip.contains(':') ? "[" + ip + "]" : ip, outside, inside));
    }
    return join(parts, ", ");
}

std::string age(std::int64_t created) {
    const auto seconds = sys::wall_ns() / 1'000'000'000 - created;
    if (seconds < 120) return std::format("{} seconds ago", seconds);
    if (seconds < 7200) return std::format("{} minutes ago", seconds / 60);
    if (seconds < 172'800) return std::format("{} hours ago", seconds / 3600);
    return std::format("{} days ago", seconds / 86'400);
}

void print_table(const std::vector<compose::Container>& containers) {
    std::vector<std::array<std::string, 7>> rows{{"NAME", "IMAGE", "COMMAND", "SERVICE", "CREATED", "STATUS", "PORTS"}};
    for (const auto& one : containers) {
        const auto command = one.command.size() > 20 ? one.command.substr(0, 19) + "…" : one.command;
        rows.push_back(
            {one.name, one.image, "\"" + command + "\"", one.service, age(one.created), one.status, ports_of(one)});
    }
    std::array<std::size_t, 7> widths{};
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) line += std::format("{:{}}   ", row[i], widths[i]);
        line.erase(line.find_last_not_of(' ') + 1);
        std::puts(line.c_str());
    }
}

void print_json(const std::vector<compose::Container>& containers, const std::string& project) {
    for (const auto& one : containers) {
        const Json line{{"ID", one.id.substr(0, 12)}, {"Name", one.name},      {"Service", one.service},
                        {"Project", project},         {"Image", one.image},    {"State", one.state},
                        {"Status", one.status},       {"Ports", ports_of(one)}};
        std::puts(dump_json(line).c_str());
    }
}

}  // namespace

Result<int> compose_ps(ComposeContext& context, std::span<char*> args) {
    const auto arguments = TRY(compose_arguments(args, kOptions, "ps [OPTIONS] [SERVICE...]"));
    if (!arguments) return 0;
    context.options.profiles.emplace_back("*");
    const auto project = TRY(load_compose(context));
    const auto client = TRY(compose_client(context));
    auto containers = TRY(chosen_containers(client, project, arguments->rest));
    if (!arguments->has("--all")) std::erase_if(containers, [](const auto& one) { return !one.is_running(); });
    const auto format = arguments->value("--format", "table");
    if (arguments->has("--quiet")) {
        for (const auto& one : containers) std::puts(one.id.c_str());
    } else if (arguments->has("--services")) {
        std::set<std::string> names;
        for (const auto& one : containers) names.insert(one.service);
        for (const auto& name : names) std::puts(name.c_str());
    } else if (format == "json") {
        print_json(containers, project.name);
    } else if (format == "table") {
        print_table(containers);
    } else {
        return fail(Kind::invalid, "--format must be table or json, not {}", format);
    }
    return 0;
}

}  // namespace diatom::cli
