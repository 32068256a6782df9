// A segment or an index, as a disk may give it back: nothing of it is believed without its checksum, reading ends, and
// what was read can be written and read again. Bytes are also put into a whole segment in place of its end.
#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "journal/frame.h"
#include "journal/print.h"
#include "journal/segment.h"
#include "journal/segment_reader.h"
#include "sys/file.h"

namespace {

using namespace diatom;
using namespace diatom::journal;

// A frame with a right checksum, whatever is in it.
std::string sealed(std::string_view payload) {
    std::string bytes;
    Packer(bytes).fixed(0xA5000000U | payload.size(), 4);
    Packer(bytes).fixed(crc32c(payload, crc32c(bytes)), 4);
    return bytes.append(payload);
}

void read_payload(std::string_view payload) {
    if (payload.empty() || payload.size() > kMaxPayload) return;
    const auto bytes = sealed(payload);
    const auto found = find_frame(bytes);
    if (found.state != Found::State::whole || found.payload != payload) std::abort();
    const auto frame = decode_frame(found.payload);
    const auto* record = frame ? std::get_if<RecordFrame>(&*frame) : nullptr;
    if (record == nullptr) return;
    if (format_short(record->record).empty() || format_json(record->record).empty()) std::abort();
    if (!format_export(record->record, {}).ends_with("\n\n")) std::abort();
    std::string again;
    append_frame(again, record->record, record->source_id);
    if (find_frame(again).state != Found::State::whole || !decode_frame(find_frame(again).payload)) std::abort();
}

void read_file(std::string_view bytes) {
    const auto file = sys::memory_file("segment", bytes, false);
    if (!file) std::abort();
    auto reader = SegmentReader::open(std::format("/proc/self/fd/{}", file->raw()));
    std::size_t frames = 0;
    while (reader && reader->next()) ++frames;
    if (frames > bytes.size() / kFrameHead) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    read_payload(bytes);
    if (const auto index = SegmentIndex::decode(bytes)) {
        if (!SegmentIndex::decode(index->encode())) std::abort();
    }
    read_file(bytes);
    std::string segment;
    append_frame(segment, HeaderFrame{{}, 1, 1});
    Record record;
    record.text = "kept";
    append_frame(segment, record, 0);
    read_file(segment.append(bytes));
    return 0;
}
