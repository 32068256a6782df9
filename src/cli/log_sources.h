// The machine's logs as one source of records: kernel, PID 1, engines, system containers. Thread side: one thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "cli/log_record.h"

namespace diatom::cli {

// A log file that may grow and be rotated while it is read.
class LogFile {
public:
    enum class Format : std::uint8_t { own, container };
    LogFile(std::string path, std::string unit, Format format)
        : path_(std::move(path)), unit_(std::move(unit)), format_(format) {}
    // What is new since the last call, whole lines only; on the first call the rotated predecessor too.
    void read(std::vector<LogRecord>& records);
    const std::string& unit() const noexcept { return unit_; }

private:
    void take_lines(std::vector<LogRecord>& records, bool all);
    void read_file(const std::string& path);
    std::string path_, unit_, pending_;
    Format format_;
    Fd file_;
    bool first_ = true;
};

struct LogPlaces {
    std::string own = "/run/diatom/log";
    std::string containers = "/var/lib/diatom/system/containers";
    std::string kernel = "/dev/kmsg";
    std::map<std::string, std::string> container_names;  // id -> name
};

inline constexpr const char* kKernelUnit = "kernel";

class LogSources {
public:
    explicit LogSources(LogPlaces places) : places_(std::move(places)) {}
    // New records of all sources, also of those that have appeared since, by time.
    std::vector<LogRecord> read();
    // What may be asked for: the kernel, whoever has a log, every system container; sorted.
    std::vector<std::string> units();

private:
    void find_files();
    void read_kernel(std::vector<LogRecord>& records);
    LogPlaces places_;
    std::map<std::string, LogFile> files_;
    Fd kernel_;
};

// Whether each of `wanted` is among `known`; the error names the known ones, and the nearest.
Result<void> check_units(const std::vector<std::string>& wanted, const std::vector<std::string>& known);

}  // namespace diatom::cli
