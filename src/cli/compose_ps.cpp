// ps and ls.
#include <algorithm>
#include <array>
#include <cstdio>

#include "base/strings.h"
#include "cli/compose_command.h"
#include "cli/table.h"
#include "sys/clock.h"

namespace diatom::cli {
namespace {

constexpr std::array kPs{
    OptionSpec{"--all", 'a', false, "stopped ones too"},
    OptionSpec{"--quiet", 'q', false, "only the ids"},
    OptionSpec{"--services", 0, false, "only the names of the services"},
    OptionSpec{"--format", 0, true, "table (default) or json"},
};

constexpr std::array kLs{
    OptionSpec{"--all", 'a', false, "stopped ones too"},
    OptionSpec{"--quiet", 'q', false, "only the names"},
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
    print_rows(rows);
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
    const auto arguments = TRY(compose_arguments(args, kPs, "ps [OPTIONS] [SERVICE...]"));
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

Result<int> compose_ls(ComposeContext& context, std::span<char*> args) {
    const auto arguments = TRY(compose_arguments(args, kLs, "ls [OPTIONS]"));
    if (!arguments) return 0;
    const auto client = TRY(compose_client(context));
    const auto stopped = arguments->has("--all") ? compose::Stopped::with : compose::Stopped::without;
    const auto projects = TRY(compose::list_projects(client, stopped));
    const auto format = arguments->value("--format", "table");
    if (arguments->has("--quiet")) {
        for (const auto& one : projects) std::puts(one.name.c_str());
    } else if (format == "json") {
        Json list = Json::array();
        for (const auto& one : projects) {
            list.push_back({{"Name", one.name}, {"Status", one.status}, {"ConfigFiles", one.files}});
        }
        std::puts(dump_json(list).c_str());
    } else if (format == "table") {
        std::vector<std::array<std::string, 3>> rows{{"NAME", "STATUS", "CONFIG FILES"}};
        for (const auto& one : projects) rows.push_back({one.name, one.status, one.files});
        print_rows(rows);
    } else {
        return fail(Kind::invalid, "--format must be table or json, not {}", format);
    }
    return 0;
}

}  // namespace diatom::cli
