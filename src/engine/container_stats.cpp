#include "engine/container_stats.h"

#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <format>

#include "base/strings.h"
#include "sys/cgroup.h"
#include "sys/clock.h"
#include "sys/file.h"

namespace diatom::engine {
namespace {

std::uint64_t memory_of_machine() {
    struct sysinfo about{};
    ::sysinfo(&about);
    return static_cast<std::uint64_t>(about.totalram) * about.mem_unit;
}

// The first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal; guests are in user already.
std::uint64_t parse_machine_cpu(std::string_view text) {
    constexpr std::size_t kFields = 8;
    const auto words = split_words(text.substr(0, text.find('\n')));
    std::uint64_t ticks = 0;
    for (std::size_t i = 1; i < words.size() && i <= kFields; ++i) ticks += parse_uint(words[i]).value_or(0);
    return ticks * (1'000'000'000 / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK)));
}

// Nothing for "max".
Result<std::optional<std::uint64_t>> read_limit(const sys::Cgroup& group, const std::string& file) {
    return parse_uint(trim(TRY(group.get(file))));
}

Result<void> read_cgroup(const sys::Cgroup& group, Stats& stats) {
    auto cpu = TRY(group.get_flat("cpu.stat"));
    stats.cpu_ns = cpu["usage_usec"] * 1000;
    stats.cpu_user_ns = cpu["user_usec"] * 1000;
    stats.cpu_system_ns = cpu["system_usec"] * 1000;
    stats.periods = cpu["nr_periods"];
    stats.throttled_periods = cpu["nr_throttled"];
    stats.throttled_ns = cpu["throttled_usec"] * 1000;
    stats.memory = TRY(read_limit(group, "memory.current")).value_or(0);
    const auto limit = TRY(read_limit(group, "memory.max"));
    if (limit) stats.memory_limit = std::min(stats.memory_limit, *limit);
    stats.memory_details = TRY(group.get_flat("memory.stat"));
    stats.pids = TRY(read_limit(group, "pids.current")).value_or(0);
    stats.pids_limit = TRY(read_limit(group, "pids.max"));
    // A kernel without the controller has no such file.
    if (const auto io = group.get("io.stat")) stats.io = parse_io(*io);
    return {};
}

}  // namespace

std::map<std::string, Stats::Interface> parse_interfaces(std::string_view text) {
    std::map<std::string, Stats::Interface> interfaces;
    for (const auto line : split(text, '\n')) {
        const auto halves = cut(line, ':');
        if (!halves || trim(halves->first) == "lo") continue;
        const auto words = split_words(halves->second);
        if (words.size() < 12) continue;
        const auto field = [&](std::size_t index) { return parse_uint(words[index]).value_or(0); };
        interfaces[std::string(trim(halves->first))] = {.rx_bytes = field(0),
                                                        .rx_packets = field(1),
                                                        .rx_errors = field(2),
                                                        .rx_dropped = field(3),
                                                        .tx_bytes = field(8),
                                                        .tx_packets = field(9),
                                                        .tx_errors = field(10),
                                                        .tx_dropped = field(11)};
    }
    return interfaces;
}

std::vector<Stats::Io> parse_io(std::string_view text) {
    std::vector<Stats::Io> devices;
    for (const auto line : split(text, '\n')) {
        const auto words = split_words(line);
        const auto numbers = words.empty() ? std::nullopt : cut(words.front(), ':');
        if (!numbers) continue;
        Stats::Io io{.major = parse_uint(numbers->first).value_or(0), .minor = parse_uint(numbers->second).value_or(0)};
        const std::array fields = {std::pair{"rbytes", &io.read_bytes}, std::pair{"wbytes", &io.written_bytes},
                                   std::pair{"rios", &io.reads}, std::pair{"wios", &io.writes}};
        for (const auto word : words) {
            const auto halves = cut(word, '=');
            for (const auto& [key, value] : fields) {
                if (halves && halves->first == key) *value = parse_uint(halves->second).value_or(0);
            }
        }
        devices.push_back(io);
    }
    return devices;
}

Result<Stats> read_stats(const std::string& cgroup, int pid) {
    Stats stats{.time = sys::wall_ns(), .memory_limit = memory_of_machine()};
    stats.machine_cpu_ns = parse_machine_cpu(TRY(sys::read_file("/proc/stat")));
    if (!cgroup.empty()) TRY(read_cgroup(TRY(sys::Cgroup::open(cgroup)), stats), "statistics");
    // It may end meanwhile.
    if (const auto text = sys::read_file(std::format("/proc/{}/net/dev", pid)))
        stats.networks = parse_interfaces(*text);
    return stats;
}

}  // namespace diatom::engine
