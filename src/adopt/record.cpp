#include "adopt/record.h"

#include <algorithm>
#include <array>

#include "base/json.h"
#include "sys/file.h"

namespace diatom::adopt {
namespace {

constexpr std::array<std::string_view, 4> kPhases{"copying", "taking", "taken", "leaving"};
constexpr mode_t kPrivate = 0600;

Result<Phase> parse_phase(std::string_view text) {
    const auto found = std::ranges::find(kPhases, text);
    if (found == kPhases.end()) return fail(Kind::corrupt, "the record of an adoption is at \"{}\"", text);
    return static_cast<Phase>(found - kPhases.begin());
}

Result<OldVolume> decode_volume(const Json& said) {
    return OldVolume{.name = TRY(json_string(said, "name")),
                     .labels = TRY(json_string_map(said, "labels")),
                     .options = TRY(json_string_map(said, "options"))};
}

}  // namespace

std::string_view to_string(Phase phase) noexcept { return kPhases.at(static_cast<std::size_t>(phase)); }

std::string encode(const Record& record) {
    Json volumes = Json::array();
    for (const auto& volume : record.volumes)
        volumes.push_back({{"name", volume.name}, {"labels", volume.labels}, {"options", volume.options}});
    return dump_json({{"phase", to_string(record.phase)},
                      {"device", record.device},
                      {"uuid", record.uuid},
                      {"at", record.at},
                      {"before", record.before},
                      {"after", record.after},
                      {"volumes", volumes},
                      {"entries", record.entries},
                      {"restore", record.restore}},
                     1);
}

Result<Record> decode_record(std::string_view text) {
    const auto said = TRY(parse_json(text, "record of an adoption"));
    Record record{.phase = TRY(parse_phase(TRY(json_string(said, "phase")))),
                  .device = TRY(json_string(said, "device")),
                  .uuid = TRY(json_string(said, "uuid")),
                  .at = TRY(json_string(said, "at")),
                  .before = TRY(json_string(said, "before")),
                  .after = TRY(json_string(said, "after")),
                  .volumes = {},
                  .entries = TRY(json_strings(said, "entries")),
                  .restore = TRY(json_bool(said, "restore"))};
    const auto& volumes = json_member(said, "volumes");
    if (!volumes.is_array()) return fail(Kind::corrupt, "the record of an adoption has no volumes");
    for (const auto& volume : volumes) record.volumes.push_back(TRY(decode_volume(volume)));
    return record;
}

Result<std::optional<Record>> RecordFile::read() const {
    if (!sys::exists(file())) return std::nullopt;
    return TRY(decode_record(TRY(sys::read_file(file()))));
}

Result<void> RecordFile::write(const Record& record) const {
    TRY(sys::make_dirs(directory_, 0700));
    return sys::write_file_atomic(file(), encode(record), kPrivate);
}

Result<void> RecordFile::remove() const {
    TRY(sys::remove_tree(directory_ + "/staged"));
    TRY(sys::remove_file(file()));
    return sys::sync_dir(directory_);
}

}  // namespace diatom::adopt
