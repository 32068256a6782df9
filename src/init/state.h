// The state partition: found, formatted, checked, mounted on /var/lib/diatom, grown. Thread side: PID 1.
// Whatever fails, the machine runs: then /var/lib/diatom is in memory and every report says so.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "config/boot_config.h"
#include "init/block.h"
#include "init/state_choice.h"
#include "proc/spawn.h"

namespace diatom::init {

inline constexpr const char* kStateDir = "/var/lib/diatom";

struct StateReport {
    enum class Kind : std::uint8_t { partition, memory };
    Kind kind = Kind::memory;
    std::string device;   // "/dev/vda"
    std::string problem;  // why it runs from memory although a partition was meant
    bool formatted = false, checked = false;
    bool grow = false;  // the file system is smaller than its device
};

// What opening the state does to the machine; tests give fakes.
struct StateTools {
    std::function<std::vector<BlockDevice>()> scan;
    std::function<Result<proc::Output>(std::vector<std::string> argv, int timeout_ms)> run;
    std::function<Result<bool>(const BlockDevice& partition)> grow_partition;  // to its disk's end; true when it grew
    std::function<Result<void>(const std::string& device)> mount;
    std::function<Result<void>()> mount_memory;
    std::function<void(int milliseconds)> sleep;
    static StateTools real();
};

StateReport open_state(const config::BootConfig& boot, const StateTools& tools);

// Argument vectors of the programs.
std::vector<std::string> format_command(const std::string& device, const std::string& label);
std::vector<std::string> grow_command(const std::string& device);

}  // namespace diatom::init
