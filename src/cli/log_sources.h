// The machine's logs as one source of records: kernel, PID 1, engines, system containers. Thread side: one thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

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

class LogSources {
public:
    explicit LogSources(LogPlaces places) : places_(std::move(places)) {}
    // New records of all sources, also of those that have appeared since, by time.
    std::vector<LogRecord> read();

private:
    void find_files();
    void read_kernel(std::vector<LogRecord>& records);
    LogPlaces places_;
    std::map<std::string, LogFile> files_;
    Fd kernel_;
};

}  // namespace diatom::cli
