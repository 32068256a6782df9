#include "engine/process_list.h"

#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <format>
#include <map>
#include <optional>

#include "base/strings.h"
#include "sys/cgroup.h"
#include "sys/clock.h"
#include "sys/file.h"

namespace diatom::engine {
namespace {

Result<std::vector<int>> members(const std::string& cgroup, int first_pid) {
    if (!cgroup.empty()) {
        const auto group = TRY(sys::Cgroup::open(cgroup));
        return group.pids();
    }
    const auto space = TRY(sys::read_link(std::format("/proc/{}/ns/pid", first_pid)));
    std::vector<int> pids;
    for (const auto& name : TRY(sys::list_dir("/proc"))) {
        const auto pid = parse_int(name);
        if (!pid) continue;
        const auto own = sys::read_link(std::format("/proc/{}/ns/pid", *pid));
        if (own && *own == space) pids.push_back(static_cast<int>(*pid));
    }
    return pids;
}

// What /proc/PID says of a process (proc(5)).
struct Process {
    int pid = 0;
    char state = '?';
    std::uint64_t parent = 0, group = 0, session = 0, terminal = 0, threads = 0, size = 0, resident = 0;
    std::uint64_t cpu_ticks = 0, start_ticks = 0;
    std::string name, command, status;
};

std::optional<Process> read_process(int pid) {
    const auto stat = sys::read_file(std::format("/proc/{}/stat", pid));
    const auto status = sys::read_file(std::format("/proc/{}/status", pid));
    auto command = sys::read_file(std::format("/proc/{}/cmdline", pid));
    if (!stat || !status || !command) return std::nullopt;
    const auto begin = stat->find('('), end = stat->rfind(')');
    if (begin == std::string::npos || end == std::string::npos || end < begin) return std::nullopt;
    const auto words = split_words(std::string_view(*stat).substr(end + 1));
    const auto field = [&](std::size_t number) {  // counted as in the manual; the first word here is number 3
        return number - 3 < words.size() ? parse_uint(words[number - 3]).value_or(0) : 0;
    };
    std::ranges::replace(*command, '\0', ' ');
    return Process{.pid = pid,
                   .state = words.empty() ? '?' : words[0].front(),
                   .parent = field(4),
                   .group = field(5),
                   .session = field(6),
                   .terminal = field(7),
                   .threads = field(20),
                   .size = field(23),
                   .resident = field(24) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)),
                   .cpu_ticks = field(14) + field(15),
                   .start_ticks = field(22),
                   .name = stat->substr(begin + 1, end - begin - 1),
                   .command = std::string(trim(*command)),
                   .status = *status};
}

std::int64_t ticks_per_second() { return static_cast<std::int64_t>(::sysconf(_SC_CLK_TCK)); }

std::int64_t age_of(const Process& process) {  // seconds
    return sys::boot_ns() / 1'000'000'000 - static_cast<std::int64_t>(process.start_ticks) / ticks_per_second();
}

std::string start_of(const Process& process) {
    const auto text = sys::format_rfc3339(sys::wall_ns() - age_of(process) * 1'000'000'000);  // 2026-11-23T10:56:…
    return text.size() > 19 ? text.substr(11, 5) : text;
}

std::string terminal_of(std::uint64_t device) {
    constexpr unsigned kPtsMajor = 136;
    if (device == 0) return "?";
    return major(device) == kPtsMajor ? std::format("pts/{}", minor(device))
                                      : std::format("{}:{}", major(device), minor(device));
}

// The first number, the real one, of the line "Uid:" or "Gid:".
std::string id_of(const Process& process, std::string_view key) {
    for (const auto line : split(process.status, '\n')) {
        if (!line.starts_with(key)) continue;
        const auto words = split_words(line);
        return words.size() < 2 ? "" : std::string(words[1]);
    }
    return "";
}

// The machine has no other users of its own.
std::string user_of(const Process& process, std::string_view key) {
    const auto id = id_of(process, key);
    return id == "0" ? "root" : id;
}

std::string clock_text(std::int64_t seconds) {
    return std::format("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

std::string elapsed_text(std::int64_t seconds) {
    if (seconds < 3600) return std::format("{:02}:{:02}", seconds / 60, seconds % 60);
    if (seconds < 86400) return clock_text(seconds);
    return std::format("{}-{}", seconds / 86400, clock_text(seconds % 86400));
}

std::string share_text(std::uint64_t part, std::uint64_t whole) {  // per cent
    return std::format("{:.1f}", whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

std::uint64_t machine_memory() {
    return static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::string cpu_share(const Process& process) {
    const auto lived = static_cast<std::uint64_t>(std::max<std::int64_t>(age_of(process), 0) * ticks_per_second());
    return share_text(process.cpu_ticks, lived);
}

std::string command_of(const Process& process) {
    return process.command.empty() ? std::format("[{}]", process.name) : process.command;
}

using Show = std::string (*)(const Process& process);
const std::map<std::string_view, Show>& shown() {
    static const Show kCommand = command_of;
    static const Show kTime = [](const Process& p) {
        return clock_text(static_cast<std::int64_t>(p.cpu_ticks) / ticks_per_second());
    };
    static const Show kState = [](const Process& p) { return std::string(1, p.state); };
    static const Show kTerminal = [](const Process& p) { return terminal_of(p.terminal); };
    static const Show kMemory = [](const Process& p) { return share_text(p.resident, machine_memory()); };
    static const Show kThreads = [](const Process& p) { return std::to_string(p.threads); };
    static const std::map<std::string_view, Show> kShown = {
        {"args", kCommand},
        {"c", [](const Process& p) { return std::string(cpu_share(p), 0, cpu_share(p).find('.')); }},
        {"cmd", kCommand},
        {"comm", [](const Process& p) { return p.name; }},
        {"command", kCommand},
        {"cputime", kTime},
        {"etime", [](const Process& p) { return elapsed_text(age_of(p)); }},
        {"etimes", [](const Process& p) { return std::to_string(age_of(p)); }},
        {"gid", [](const Process& p) { return id_of(p, "Gid:"); }},
        {"group", [](const Process& p) { return user_of(p, "Gid:"); }},
        {"nlwp", kThreads},
        {"pcpu", cpu_share},
        {"%cpu", cpu_share},
        {"pgid", [](const Process& p) { return std::to_string(p.group); }},
        {"pid", [](const Process& p) { return std::to_string(p.pid); }},
        {"pmem", kMemory},
        {"%mem", kMemory},
        {"ppid", [](const Process& p) { return std::to_string(p.parent); }},
        {"rss", [](const Process& p) { return std::to_string(p.resident / 1024); }},
        {"s", kState},
        {"sid", [](const Process& p) { return std::to_string(p.session); }},
        {"start", start_of},
        {"start_time", start_of},
        {"stat", kState},
        {"state", kState},
        {"stime", start_of},
        {"thcount", kThreads},
        {"time", kTime},
        {"tname", kTerminal},
        {"tt", kTerminal},
        {"tty", kTerminal},
        {"uid", [](const Process& p) { return id_of(p, "Uid:"); }},
        {"user", [](const Process& p) { return user_of(p, "Uid:"); }},
        {"vsz", [](const Process& p) { return std::to_string(p.size / 1024); }},
    };
    return kShown;
}

}  // namespace

Result<ProcessTable> list_processes(const std::string& cgroup, int first_pid,
                                    const std::vector<ProcessColumn>& columns) {
    auto pids = TRY(members(cgroup, first_pid));
    std::ranges::sort(pids);
    ProcessTable table;
    for (const auto& column : columns) table.titles.push_back(column.title);
    for (const int pid : pids) {
        const auto process = read_process(pid);
        if (!process) continue;  // it ended meanwhile
        auto& row = table.rows.emplace_back();
        for (const auto& column : columns) row.push_back(shown().at(column.key)(*process));
    }
    return table;
}

}  // namespace diatom::engine
