#include "engine/process_list.h"

#include <unistd.h>

#include <algorithm>
#include <format>

#include "base/strings.h"
#include "sys/cgroup.h"
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

// Fields of /proc/PID/stat after the command's closing bracket; utime is number 14, stime 15 (proc(5)).
std::uint64_t cpu_seconds(const std::string& stat) {
    const auto end = stat.rfind(')');
    if (end == std::string::npos) return 0;
    const auto words = split_words(std::string_view(stat).substr(end + 1));
    if (words.size() < 13) return 0;
    const auto ticks = parse_uint(words[11]).value_or(0) + parse_uint(words[12]).value_or(0);
    return ticks / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
}

std::string user_of(const std::string& status) {
    for (const auto line : split(status, '\n')) {
        if (!line.starts_with("Uid:")) continue;
        const auto words = split_words(line);
        return words.size() > 1 ? std::string(words[1]) : "";
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
        const auto seconds = cpu_seconds(*stat);
        rows.push_back({std::to_string(pid), user_of(*status),
                        std::format("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60),
                        std::string(trim(*command))});
    }
    return rows;
}

}  // namespace diatom::engine
