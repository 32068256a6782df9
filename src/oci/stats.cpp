// A container's figures in the shape of runc's events, which containerd and cAdvisor read.
#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/strings.h"
#include "oci/resources.h"
#include "sys/cgroup.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/retry.h"

namespace diatom::oci {
namespace {

constexpr std::uint64_t kNanoseconds = 1000;  // of a microsecond

// A file that the kernel does not have gives 0; "max" gives all ones, as runc prints it.
std::uint64_t number(const sys::Cgroup& cgroup, const std::string& file) {
    const auto text = cgroup.get(file);
    if (!text) return 0;
    const auto word = trim(*text);
    return word == "max" ? UINT64_MAX : parse_uint(word).value_or(0);
}

std::map<std::string, std::uint64_t> flat(const sys::Cgroup& cgroup, const std::string& file) {
    return cgroup.get_flat(file).value_or(std::map<std::string, std::uint64_t>{});
}

Json cpu(const sys::Cgroup& cgroup) {
    auto stat = flat(cgroup, "cpu.stat");
    return Json{{"usage",
                 {{"total", stat["usage_usec"] * kNanoseconds},
                  {"usage_kernel", stat["system_usec"] * kNanoseconds},
                  {"usage_user", stat["user_usec"] * kNanoseconds}}},
                {"throttling",
                 {{"periods", stat["nr_periods"]},
                  {"throttledPeriods", stat["nr_throttled"]},
                  {"throttledTime", stat["throttled_usec"] * kNanoseconds}}}};
}

Json memory(const sys::Cgroup& cgroup) {
    const auto raw = flat(cgroup, "memory.stat");
    const auto file = raw.find("file");
    return Json{
        {"cache", file == raw.end() ? 0 : file->second},
        {"usage",
         {{"usage", number(cgroup, "memory.current")},
          {"limit", number(cgroup, "memory.max")},
          {"max", number(cgroup, "memory.peak")},
          {"failcnt", flat(cgroup, "memory.events")["max"]}}},
        {"swap", {{"usage", number(cgroup, "memory.swap.current")}, {"limit", number(cgroup, "memory.swap.max")}}},
        {"raw", raw}};
}

struct Operation {
    std::string_view key;
    const char *list, *name;
};
constexpr std::array<Operation, 4> kOperations = {{{"rbytes", "ioServiceBytesRecursive", "Read"},
                                                   {"wbytes", "ioServiceBytesRecursive", "Write"},
                                                   {"rios", "ioServicedRecursive", "Read"},
                                                   {"wios", "ioServicedRecursive", "Write"}}};

// "8:0 rbytes=… wbytes=… rios=… wios=… dbytes=… dios=…" a device.
Json block(const sys::Cgroup& cgroup) {
    Json all = Json::object();
    const std::string text = cgroup.get("io.stat").value_or("");
    for (const auto line : split(text, '\n')) {
        const auto words = split_words(line);
        const auto device = words.empty() ? std::nullopt : cut(words[0], ':');
        if (!device) continue;
        for (const auto word : words) {
            const auto pair = cut(word, '=');
            const auto* operation =
                pair ? std::ranges::find(kOperations, pair->first, &Operation::key) : kOperations.end();
            if (operation == kOperations.end()) continue;
            all[operation->list].push_back({{"major", parse_uint(device->first).value_or(0)},
                                            {"minor", parse_uint(device->second).value_or(0)},
                                            {"op", operation->name},
                                            {"value", parse_uint(pair->second).value_or(0)}});
        }
    }
    return all;
}

Json hugetlb(const sys::Cgroup& cgroup) {
    Json all = Json::object();
    constexpr std::string_view kPrefix = "hugetlb.", kSuffix = ".current";
    for (const auto& name : sys::list_dir_fd(cgroup.fd()).value_or(std::vector<std::string>())) {
        if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix) || name.contains("rsvd")) continue;
        const auto size = name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size());
        all[size] = {{"usage", number(cgroup, name)},
                     {"failcnt", flat(cgroup, std::format("{}{}.events", kPrefix, size))["max"]}};
    }
    return all;
}

Json event(const std::string& id, const char* type) { return Json{{"type", type}, {"id", id}}; }

Json stats_event(const std::string& id, const sys::Cgroup& cgroup) {
    Json stats = event(id, "stats");
    const auto limit = number(cgroup, "pids.max");
    stats["data"] = {
        {"cpu", cpu(cgroup)},
        {"memory", memory(cgroup)},
        {"pids", {{"current", number(cgroup, "pids.current")}, {"limit", limit == UINT64_MAX ? 0 : limit}}},
        {"blkio", block(cgroup)},
        {"hugetlb", hugetlb(cgroup)},
        {"intel_rdt", Json::object()},
        {"network_interfaces", nullptr}};
    return stats;
}

Result<sys::Cgroup> cgroup_of(const Found& found, const char* what) {
    const auto& id = found.record.spec.id;
    if (found.status == Status::stopped) return fail(Kind::conflict, "container \"{}\" is not running", id);
    if (found.record.spec.cgroup.empty()) {
        return fail(Kind::unsupported,
                    "{} needs a cgroup, and container \"{}\" was created without (--cgroup-manager disabled)", what,
                    id);
    }
    return sys::Cgroup::open(found.record.spec.cgroup);
}

}  // namespace

Result<Json> stats(const Place& place, const std::string& id) {
    const auto found = TRY(inspect(place, id));
    const auto cgroup = TRY(cgroup_of(found, "events"));
    return stats_event(id, cgroup);
}

Result<void> follow_events(const Place& place, const std::string& id, int interval_ms,
                           const std::function<Result<void>(const Json&)>& emit) {
    const auto found = TRY(inspect(place, id));
    const auto cgroup = TRY(cgroup_of(found, "events"));
    const auto pidfd = TRY(sys::open_pidfd(found.record.process), "container");
    const auto memory_events = TRY(sys::open_at(cgroup.fd(), "memory.events", O_RDONLY));
    std::uint64_t killed = flat(cgroup, "memory.events")["oom_kill"];
    std::int64_t next = sys::monotonic_ns();
    for (;;) {
        const auto left = (next - sys::monotonic_ns()) / 1'000'000;
        if (left <= 0) {
            TRY(emit(stats_event(id, cgroup)));
            next += std::int64_t{interval_ms} * 1'000'000;
            continue;
        }
        std::array<pollfd, 2> waits = {{{pidfd.raw(), POLLIN, 0}, {memory_events.raw(), POLLPRI, 0}}};
        if (sys::retry_interrupted([&] { return ::poll(waits.data(), waits.size(), static_cast<int>(left)); }) < 0)
            return fail_errno(errno, "wait for events");
        if (waits[1].revents != 0) {
            char byte = 0;
            std::ignore = ::pread(memory_events.raw(), &byte, 1, 0);  // takes the notice
            const auto now = flat(cgroup, "memory.events")["oom_kill"];
            if (now > killed) TRY(emit(event(id, "oom")));
            killed = now;
        }
        if (waits[0].revents != 0) return {};
    }
}

}  // namespace diatom::oci
