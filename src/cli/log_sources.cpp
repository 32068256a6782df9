#include "cli/log_sources.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/strings.h"
#include "sys/clock.h"
#include "sys/file.h"

namespace diatom::cli {
namespace {

constexpr std::size_t kBlock = 64U << 10U;
constexpr std::string_view kContainerSuffix = "-json.log";

// Whether the path now names another file than the open one.
bool was_rotated(const std::string& path, FdRef file) {
    struct stat open_file{}, named{};
    if (::fstat(file.raw(), &open_file) < 0 || ::stat(path.c_str(), &named) < 0) return false;
    return open_file.st_ino != named.st_ino || open_file.st_dev != named.st_dev;
}

}  // namespace

void LogFile::read(std::vector<LogRecord>& records) {
    if (first_) {
        first_ = false;
        read_file(path_ + ".1");
        take_lines(records, true);
        file_.reset();
    }
    for (;;) {
        read_file(path_);
        const bool rotated = file_ && was_rotated(path_, file_);
        take_lines(records, rotated);
        if (!rotated) return;
        file_.reset();
    }
}

void LogFile::read_file(const std::string& path) {
    if (!file_) {
        auto file = sys::open_path(path, O_RDONLY);
        if (!file) return;
        file_ = std::move(*file);
    }
    std::array<char, kBlock> block;
    for (;;) {
        const ssize_t got = ::read(file_.raw(), block.data(), block.size());
        if (got <= 0) return;
        pending_.append(block.data(), static_cast<std::size_t>(got));
    }
}

void LogFile::take_lines(std::vector<LogRecord>& records, bool all) {
    std::size_t at = 0;
    while (at < pending_.size()) {
        auto end = pending_.find('\n', at);
        if (end == std::string::npos && !all) break;
        end = std::min(end, pending_.size());
        const auto line = std::string_view(pending_).substr(at, end - at);
        if (!line.empty()) {
            records.push_back(format_ == Format::own ? parse_own_line(line, unit_) : parse_container_line(line, unit_));
        }
        at = end + 1;
    }
    pending_.erase(0, std::min(at, pending_.size()));
}

void LogSources::find_files() {
    const auto own = sys::list_dir(places_.own);
    for (const auto& name : own ? *own : std::vector<std::string>{}) {
        if (!name.ends_with(".log")) continue;
        const auto path = places_.own + "/" + name;
        files_.try_emplace(path, path, name.substr(0, name.size() - 4), LogFile::Format::own);
    }
    const auto ids = sys::list_dir(places_.containers);
    for (const auto& id : ids ? *ids : std::vector<std::string>{}) {
        const auto path = places_.containers + "/" + id + "/" + id + std::string(kContainerSuffix);
        if (files_.contains(path) || !sys::exists(path)) continue;
        const auto named = places_.container_names.find(id);
        const auto unit = named == places_.container_names.end() ? id.substr(0, 12) : named->second;
        files_.try_emplace(path, path, unit, LogFile::Format::container);
    }
}

void LogSources::read_kernel(std::vector<LogRecord>& records) {
    if (!kernel_) {
        auto opened = sys::open_path(places_.kernel, O_RDONLY | O_NONBLOCK);
        if (!opened) return;
        kernel_ = std::move(*opened);
    }
    const std::int64_t boot_wall = sys::wall_ns() - sys::boot_ns();
    std::array<char, 8192> record;  // the kernel's own limit of one record
    for (;;) {
        const ssize_t got = ::read(kernel_.raw(), record.data(), record.size());
        if (got < 0 && errno == EPIPE)
            continue;  // records were overwritten before they were read: the next one follows
        if (got <= 0) return;
        auto parsed = parse_kernel_record({record.data(), static_cast<std::size_t>(got)}, boot_wall);
        if (parsed) records.push_back(std::move(*parsed));
    }
}

std::vector<LogRecord> LogSources::read() {
    std::vector<LogRecord> records;
    find_files();
    read_kernel(records);
    for (auto& [path, file] : files_) file.read(records);
    std::ranges::stable_sort(records, {}, &LogRecord::time);
    return records;
}

std::vector<std::string> LogSources::units() {
    find_files();
    std::vector<std::string> list{kKernelUnit};
    for (const auto& [path, file] : files_) list.push_back(file.unit());
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

}  // namespace diatom::cli
