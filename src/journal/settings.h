// What the machine's configuration says of its log, as it is handed to who keeps it. Thread side: any.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "journal/record.h"
#include "journal/store_writer.h"

namespace diatom::journal {

inline constexpr const char* kSettingsDirectory = "/run/diatom/config";
inline constexpr const char* kSettingsName = "log.json";
inline constexpr const char* kStoreDirectory = "/var/lib/diatom/log";

// Who else is told: udp://HOST[:PORT], tcp://…, tls://…
struct Receiver {
    enum class Transport : std::uint8_t { udp, tcp, tls };
    Transport transport = Transport::udp;
    std::string host, port;  // the host without brackets; by default 514, 601 and 6514
    std::string url() const;
    static Result<Receiver> parse(std::string_view url);
    friend bool operator==(const Receiver&, const Receiver&) = default;
};

struct Settings {
    std::optional<Priority> level;           // the least that is kept
    std::optional<std::uint64_t> max_bytes;  // of what is kept
    std::int64_t max_age_ns = 0;             // 0: any
    std::vector<std::string> forward;        // URLs
    friend bool operator==(const Settings&, const Settings&) = default;

    std::string encode() const;
    static Result<Settings> decode(std::string_view text);
    // A file that is not there says nothing.
    static Result<Settings> read(const std::string& path);
};

// What is not said is kept small beside the file system, which may be memory.
Limits limits_of(const Settings& settings, std::uint64_t file_system_bytes);

}  // namespace diatom::journal
