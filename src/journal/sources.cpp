#include "journal/sources.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>

#include "base/strings.h"
#include "sys/file.h"

namespace diatom::journal {
namespace {

constexpr std::string_view kOwnSuffix = ".log", kContainerSuffix = "-json.log";
constexpr std::string_view kOwnSource = "own/", kContainerSource = "container/", kKernelSource = "kernel";
constexpr std::size_t kBudget = 256U << 10U;  // bytes of one source at a time
constexpr std::size_t kShortId = 12;

// The kernel counts its lines anew at each boot.
std::uint64_t kernel_identity(const BootId& boot) {
    std::uint64_t identity = 0;
    std::memcpy(&identity, boot.bytes.data(), sizeof identity);
    return identity;
}

// The lines of one source stay in their order, also where its clock was set back: the last one is where it is taken up
// again.
void sort_by_time(std::span<Record> records) {
    std::map<std::string_view, std::int64_t> latest;
    std::vector<std::pair<std::int64_t, std::size_t>> order;
    for (std::size_t i = 0; i < records.size(); ++i) {
        auto& time = latest[records[i].source];
        time = std::max(time, records[i].since_boot);
        order.emplace_back(time, i);
    }
    std::ranges::sort(order);
    std::vector<Record> sorted;
    sorted.reserve(records.size());
    for (const auto& [time, i] : order) sorted.push_back(std::move(records[i]));
    std::ranges::move(sorted, records.begin());
}

}  // namespace

void Sources::add(const std::string& name, const std::string& path, std::string unit, bool container) {
    if (sources_.contains(name)) return;
    const auto from = from_.find(name);
    const auto position = from == from_.end() ? std::nullopt : std::optional(from->second);
    sources_.emplace(name, Source{LogFile(path, position), std::move(unit), container});
}

void Sources::find() {
    for (const auto& name : sys::list_dir(places_.own).value_or(std::vector<std::string>())) {
        if (!name.ends_with(kOwnSuffix)) continue;
        auto unit = name.substr(0, name.size() - kOwnSuffix.size());
        add(std::string(kOwnSource) + unit, places_.own + "/" + name, unit, false);
    }
    const auto ids = sys::list_dir(places_.containers).value_or(std::vector<std::string>());
    for (const auto& id : ids) {
        const auto path = places_.containers + "/" + id + "/" + id + std::string(kContainerSuffix);
        const auto name = std::string(kContainerSource) + id.substr(0, kShortId);
        if (sources_.contains(name) || !sys::exists(path)) continue;
        const auto named = places_.container_names.find(id);
        add(name, path, named == places_.container_names.end() ? id.substr(0, kShortId) : named->second, true);
    }
    std::erase_if(sources_, [&](const auto& source) {
        return source.second.container && std::ranges::none_of(ids, [&](const auto& id) {
                   return source.first.substr(kContainerSource.size()) == id.substr(0, kShortId);
               });
    });
}

FdRef Sources::kernel() {
    if (std::exchange(kernel_tried_, true)) return kernel_;
    auto opened = sys::open_path(places_.kernel, O_RDONLY | O_NONBLOCK);
    if (opened) kernel_ = std::move(*opened);
    else kernel_problem_ = opened.error().what();
    const auto from = from_.find(kKernelSource);
    if (from != from_.end() && from->second.identity == kernel_identity(boot_)) next_sequence_ = from->second.offset;
    return kernel_;
}

bool Sources::read_kernel(std::vector<Record>& records) {
    if (!kernel()) return false;
    const auto clocks = Clocks::now();
    std::array<char, 8192> bytes;  // the kernel's own limit of one record
    for (std::size_t total = 0; total < kBudget;) {
        const ssize_t got = ::read(kernel_.raw(), bytes.data(), bytes.size());
        // EPIPE: records were overwritten before they were read; the next one follows.
        if (got < 0 && (errno == EPIPE || errno == EINTR)) continue;
        if (got <= 0) return false;
        total += static_cast<std::size_t>(got);
        auto line = parse_kernel_line({bytes.data(), static_cast<std::size_t>(got)}, clocks);
        if (!line || line->sequence < next_sequence_) continue;
        next_sequence_ = line->sequence + 1;
        line->record.source = kKernelSource;
        line->record.position = {kernel_identity(boot_), next_sequence_};
        records.push_back(std::move(line->record));
    }
    return true;
}

bool Sources::read(std::vector<Record>& records) {
    find();
    const auto begin = records.size();
    bool more = read_kernel(records);
    const auto clocks = Clocks::now();
    for (auto& [name, source] : sources_) {
        more |= source.file.read(kBudget, [&](std::string_view line, const Position& behind) {
            auto record = source.container ? parse_container_line(line, source.unit, clocks)
                                           : parse_own_line(line, source.unit, clocks);
            record.source = name;
            record.position = behind;
            if (source.container) source.unit = record.unit;
            records.push_back(std::move(record));
        });
    }
    sort_by_time(std::span(records).subspan(begin));
    for (auto& record : std::span(records).subspan(begin)) record.boot = boot_;
    return more;
}

std::optional<std::string> Sources::unit_of_container(std::string_view id) const {
    const auto source = sources_.find(std::string(kContainerSource) + std::string(id.substr(0, kShortId)));
    return source == sources_.end() ? std::nullopt : std::optional(source->second.unit);
}

std::vector<std::string> Sources::names() {
    find();
    std::vector<std::string> list{std::string(kKernelSource)};
    for (const auto& [name, source] : sources_) list.push_back(name);
    return list;
}

std::vector<std::string> Sources::units() {
    find();
    std::vector<std::string> list{kKernelUnit, kSyslogUnit};
    for (const auto& [name, source] : sources_) list.push_back(source.unit);
    for (const auto& [id, name] : places_.container_names) list.push_back(name);
    std::ranges::sort(list);
    const auto twice = std::ranges::unique(list);
    list.erase(twice.begin(), twice.end());
    return list;
}

Result<void> check_units(const std::vector<std::string>& wanted, const std::vector<std::string>& known) {
    for (const auto& unit : wanted) {
        if (std::ranges::contains(known, unit)) continue;
        const std::vector<std::string_view> names(known.begin(), known.end());
        const auto near = nearest(unit, names);
        const auto hint = near ? std::format("did you mean {}? ", *near) : std::string();
        return fail(Kind::not_found, "nothing here is called {}; {}units: {}", unit, hint, join(known, ", "));
    }
    return {};
}

}  // namespace diatom::journal
