#include "journal/segment_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include "journal/segment.h"
#include "sys/file.h"
#include "sys/retry.h"

namespace diatom::journal {

Result<SegmentReader> SegmentReader::open(const std::string& path) {
    SegmentReader reader(TRY(sys::open_path(path, O_RDONLY)));
    auto first = reader.next();
    auto* header = first ? std::get_if<HeaderFrame>(&*first) : nullptr;
    if (header == nullptr) return fail(Kind::corrupt, "{} is no segment of a log", path);
    reader.header_ = *header;
    return reader;
}

void SegmentReader::seek(std::uint64_t offset) noexcept {
    buffer_.clear();
    offset_ = offset;
    used_ = 0;
}

// More of the file behind what is there; false at its end.
bool SegmentReader::fill() {
    buffer_.erase(0, used_);
    offset_ += std::exchange(used_, 0);
    const auto before = buffer_.size();
    buffer_.resize(before + kBlockBytes);
    const ssize_t got = sys::retry_interrupted([&] {
        return ::pread(file_.raw(), buffer_.data() + before, kBlockBytes, static_cast<off_t>(offset_ + before));
    });
    buffer_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    return got > 0;
}

std::optional<std::string_view> SegmentReader::next_payload() {
    for (;;) {
        const auto found = find_frame(std::string_view(buffer_).substr(used_));
        if (found.state == Found::State::whole) {
            used_ += found.size;
            return found.payload;
        }
        // What seems to be cut short may be damage that looks like the head of a long frame.
        const bool cut = found.state == Found::State::cut_short;
        if (cut && fill()) continue;
        const auto rest = std::string_view(buffer_).substr(used_);
        if (const auto next = next_frame(rest); next != std::string_view::npos) {
            damaged_ += next;
            used_ += next;
            continue;
        }
        if (cut || rest.size() > kMaxPayload + 2 * kFrameHead || !fill()) return std::nullopt;
    }
}

std::optional<Frame> SegmentReader::next() {
    while (const auto payload = next_payload()) {
        if (auto frame = decode_frame(*payload)) return frame;
    }
    return std::nullopt;
}

}  // namespace diatom::journal
