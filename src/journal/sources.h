// Where the machine's logs come from: the kernel's ring, what PID 1 and the engines write, what system containers say.
// Nobody sends anything to anybody: they write what they always write, and are read from where they were left, so that
// whoever reads late loses nothing and holds nobody up. Thread side: one thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "journal/lines.h"
#include "journal/log_file.h"
#include "journal/record.h"

namespace diatom::journal {

struct Places {
    std::string own = "/run/diatom/log";  // UNIT.log, by sys/log.h
    std::string containers = "/var/lib/diatom/system/containers";
    std::string kernel = "/dev/kmsg";
    std::map<std::string, std::string> container_names;  // id -> name, of those whose lines do not say it
};

inline constexpr const char* kKernelUnit = "kernel";

class Sources {
public:
    Sources(Places places, Positions from, const BootId& boot)
        : places_(std::move(places)), from_(std::move(from)), boot_(boot) {}

    // What is new, by time as far as it is read at once. True when there may be more.
    bool read(std::vector<Record>& records);
    // Whoever has a log; the kernel and syslog, even if they said nothing yet; sorted.
    std::vector<std::string> units();
    // Names of the sources that are there.
    std::vector<std::string> names();
    // What the system container with this id is called.
    std::optional<std::string> unit_of_container(std::string_view id) const;

    // For who waits for the kernel to say something: nothing where it cannot be read.
    FdRef kernel();
    // What keeps the kernel's log from being read.
    const std::string& kernel_problem() const noexcept { return kernel_problem_; }

private:
    struct Source {
        LogFile file;
        std::string unit;
        bool container;
    };
    void find();
    void add(const std::string& name, const std::string& path, std::string unit, bool container);
    bool read_kernel(std::vector<Record>& records);

    Places places_;
    Positions from_;
    BootId boot_;
    std::map<std::string, Source, std::less<>> sources_;
    Fd kernel_;
    std::uint64_t next_sequence_ = 0;
    bool kernel_tried_ = false;
    std::string kernel_problem_;
};

// Whether each of `wanted` is among `known`; the error names the known ones, and the nearest.
Result<void> check_units(const std::vector<std::string>& wanted, const std::vector<std::string>& known);

}  // namespace diatom::journal
