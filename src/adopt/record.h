// What is remembered of an adoption, so that it can be undone, and a power cut in it ends in one of the two. On the
// state partition, root's alone. Thread side: any; one at a time.
//
//   STATE/adopt/record.json
//   STATE/adopt/staged/volumes/NAME/_data, staged/home/…, staged/opt/…     copies that are not in use yet
//   STATE/user/volumes/NAME/adopted                                        beside the data: by whom it was made
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "adopt/docker_files.h"

namespace diatom::adopt {

enum class Phase : std::uint8_t {
    copying,  // into `staged`; nothing else has changed
    taking,   // all is copied, and taken into use: it goes on to the end
    taken,    // until it is confirmed or undone
    leaving,  // what was taken goes
};
std::string_view to_string(Phase phase) noexcept;

struct Record {
    Phase phase = Phase::copying;
    std::string device, uuid;
    std::string at;             // RFC 3339: when it began
    std::string before, after;  // the machine's own configuration, as YAML
    std::vector<OldVolume> volumes;
    std::vector<std::string> entries;  // "home/rancher"
    bool restore = false;              // leaving: the configuration goes back to `before`
};

std::string encode(const Record& record);
Result<Record> decode_record(std::string_view text);

class RecordFile {
public:
    explicit RecordFile(std::string directory) : directory_(std::move(directory)) {}

    const std::string& directory() const noexcept { return directory_; }
    Result<std::optional<Record>> read() const;
    Result<void> write(const Record& record) const;  // durable
    Result<void> remove() const;                     // with all that is staged; durable

private:
    std::string file() const { return directory_ + "/record.json"; }
    std::string directory_;
};

}  // namespace diatom::adopt
