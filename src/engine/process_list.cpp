#include "engine/process_list.h"

#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <format>

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

// Fields of /proc/PID/stat (proc(5)).
struct Stat {
    std::uint64_t parent = 0, terminal = 0, cpu_ticks = 0, start_ticks = 0;
};
Stat parse_stat(const std::string& text) {
    const auto end = text.rfind(')');
    const auto words = split_words(std::string_view(text).substr(end == std::string::npos ? text.size() : end + 1));
    const auto field = [&](std::size_t number) {  // counted as in the manual; the first word here is number 3
        return number - 3 < words.size() ? parse_uint(words[number - 3]).value_or(0) : 0;
    };
    return {.parent = field(4), .terminal = field(7), .cpu_ticks = field(14) + field(15), .start_ticks = field(22)};
}

std::string start_of(std::uint64_t ticks) {
    const auto per_second = static_cast<std::int64_t>(::sysconf(_SC_CLK_TCK));
    const auto age = sys::boot_ns() / 1'000'000'000 - static_cast<std::int64_t>(ticks) / per_second;
    const auto text = sys::format_rfc3339(sys::wall_ns() - age * 1'000'000'000);  // 2026-11-23T10:56:…
    return text.size() > 16 ? text.substr(11, 5) : text;
}

std::string terminal_of(std::uint64_t device) {
    constexpr unsigned kPtsMajor = 136;
    if (device == 0) return "?";
    return major(device) == kPtsMajor ? std::format("pts/{}", minor(device))
                                      : std::format("{}:{}", major(device), minor(device));
}

std::string user_of(const std::string& status) {
    for (const auto line : split(status, '\n')) {
        if (!line.starts_with("Uid:")) continue;
        const auto words = split_words(line);
        return words.size() < 2 ? "" : words[1] == "0" ? "root" : std::string(words[1]);
    }
    return "";
}

}  // namespace

Result<std::vector<std::vector<std::string>>> list_processes(const std::string& cgroup, int first_pid) {
    auto pids = TRY(members(cgroup, first_pid));
    std::ranges::sort(pids);
    std::vector<std::vector<std::string>> rows;
    for (const int pid : pids) {
        const auto stat = sys::read_file(std::format("/proc/{}/stat", pid));
        const auto status = sys::read_file(std::format("/proc/{}/status", pid));
        auto command = sys::read_file(std::format("/proc/{}/cmdline", pid));
        if (!stat || !status || !command) continue;  // it ended meanwhile
        std::ranges::replace(*command, '\0', ' ');
        const Stat fields = parse_stat(*stat);
        const auto seconds = fields.cpu_ticks / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
        rows.push_back({user_of(*status), std::to_string(pid), std::to_string(fields.parent), "0",
                        start_of(fields.start_ticks), terminal_of(fields.terminal),
                        std::format("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60),
                        std::string(trim(*command))});
    }
    return rows;
}

}  // namespace diatom::engine
