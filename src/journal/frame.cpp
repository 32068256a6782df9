#include "journal/frame.h"

#include <algorithm>
#include <array>

namespace diatom::journal {
namespace {

constexpr std::uint32_t kMark = 0xA5U << 24U, kLengthBits = 0x00FFFFFFU;
constexpr std::uint8_t kVersion = 1;

constexpr auto kTable = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < table.size(); ++i) {
        std::uint32_t value = i;
        for (int bit = 0; bit < 8; ++bit) value = (value >> 1U) ^ ((value & 1U) != 0 ? 0x82F63B78U : 0U);
        table[i] = value;
    }
    return table;
}();

std::uint32_t read_u32(std::string_view bytes) noexcept { return static_cast<std::uint32_t>(Unpacker(bytes).fixed(4)); }

std::uint32_t checksum(std::string_view head, std::string_view payload) noexcept {
    return crc32c(payload, crc32c(head.substr(0, 4)));
}

void seal(std::string& bytes, std::string_view payload) {
    std::string head;
    Packer(head).fixed(kMark | static_cast<std::uint32_t>(payload.size()), 4);
    Packer(head).fixed(checksum(head, payload), 4);
    bytes += head;
    bytes += payload;
}

std::optional<Frame> decode_header(Unpacker& in) {
    if (in.byte() != kVersion) return std::nullopt;
    HeaderFrame frame;
    const auto boot = in.bytes(frame.boot.bytes.size());
    std::ranges::copy(boot, frame.boot.bytes.begin());
    frame.first_number = in.fixed(8);
    frame.time = static_cast<std::int64_t>(in.fixed(8));
    return frame;
}

std::optional<Frame> decode_source(Unpacker& in) {
    SourceFrame frame;
    frame.id = in.number();
    frame.name = in.text();
    frame.position.identity = in.fixed(8);
    frame.position.offset = in.number();
    if (frame.id == 0) return std::nullopt;
    return frame;
}

std::optional<Frame> decode_record(Unpacker& in) {
    RecordFrame frame;
    auto& record = frame.record;
    record.number = in.number();
    record.time = static_cast<std::int64_t>(in.fixed(8));
    record.since_boot = static_cast<std::int64_t>(in.fixed(8));
    const auto both = in.byte();
    record.priority = static_cast<Priority>(both & 7U);
    record.facility = static_cast<Facility>(both >> 3U);
    frame.source_id = in.number();
    record.position.offset = in.number();
    record.unit = in.text();
    record.text = in.text();
    const auto fields = in.number();
    if (fields > kMaxFields) return std::nullopt;
    for (std::uint64_t i = 0; i < fields && in.ok(); ++i) {
        std::string name(in.text());
        record.fields.push_back({std::move(name), std::string(in.text())});
    }
    return frame;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes, std::uint32_t before) noexcept {
    std::uint32_t value = ~before;
    for (const char c : bytes) value = (value >> 8U) ^ kTable[(value ^ static_cast<std::uint8_t>(c)) & 0xFFU];
    return ~value;
}

void Packer::fixed(std::uint64_t value, int size) {
    for (int i = 0; i < size; ++i) byte(static_cast<std::uint8_t>(value >> static_cast<unsigned>(8 * i)));
}

void Packer::number(std::uint64_t value) {
    while (value >= 0x80U) {
        byte(static_cast<std::uint8_t>(value | 0x80U));
        value >>= 7U;
    }
    byte(static_cast<std::uint8_t>(value));
}

void Packer::text(std::string_view value) {
    number(value.size());
    out_ += value;
}

std::string_view Unpacker::bytes(std::size_t size) noexcept {
    if (!ok_ || bytes_.size() < size) {
        ok_ = false;
        return {};
    }
    const auto front = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return front;
}

std::uint64_t Unpacker::fixed(int size) noexcept {
    std::uint64_t value = 0;
    unsigned shift = 0;
    for (const char c : bytes(static_cast<std::size_t>(size))) {
        value |= std::uint64_t{static_cast<std::uint8_t>(c)} << shift;
        shift += 8;
    }
    return value;
}

std::uint64_t Unpacker::number() noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        const auto part = byte();
        if (!ok_) return 0;
        value |= std::uint64_t{part & 0x7FU} << shift;
        if ((part & 0x80U) == 0) return value;
    }
    ok_ = false;
    return 0;
}

std::string_view Unpacker::text() noexcept {
    const auto size = number();
    return bytes(static_cast<std::size_t>(size));
}

void append_frame(std::string& bytes, const HeaderFrame& frame) {
    std::string payload;
    Packer out(payload);
    out.byte('H');
    out.byte(kVersion);
    for (const auto byte : frame.boot.bytes) out.byte(byte);
    out.fixed(frame.first_number, 8);
    out.fixed(static_cast<std::uint64_t>(frame.time), 8);
    seal(bytes, payload);
}

void append_frame(std::string& bytes, const SourceFrame& frame) {
    std::string payload;
    Packer out(payload);
    out.byte('S');
    out.number(frame.id);
    out.text(frame.name);
    out.fixed(frame.position.identity, 8);
    out.number(frame.position.offset);
    seal(bytes, payload);
}

void append_frame(std::string& bytes, const Record& record, std::uint64_t source_id) {
    std::string payload;
    Packer out(payload);
    out.byte('R');
    out.number(record.number);
    out.fixed(static_cast<std::uint64_t>(record.time), 8);
    out.fixed(static_cast<std::uint64_t>(record.since_boot), 8);
    out.byte(static_cast<std::uint8_t>(static_cast<unsigned>(record.facility) << 3U |
                                       static_cast<unsigned>(record.priority)));
    out.number(source_id);
    out.number(record.position.offset);
    out.text(cut_text(record.unit, 256));
    out.text(cut_text(record.text));
    // What does not fit any more is left out, so that every record can be read again.
    std::string fields;
    Packer packed(fields);
    std::size_t count = 0;
    for (const auto& field : record.fields) {
        const auto name = cut_text(field.name, kMaxFieldName);
        const auto value = cut_text(field.value);
        if (count == kMaxFields || payload.size() + fields.size() + name.size() + value.size() + 16 > kMaxPayload)
            break;
        packed.text(name);
        packed.text(value);
        ++count;
    }
    out.number(count);
    payload += fields;
    seal(bytes, payload);
}

Found find_frame(std::string_view bytes) noexcept {
    using State = Found::State;
    if (bytes.size() < 4) return {.state = State::cut_short};
    const auto head = read_u32(bytes);
    const std::size_t length = head & kLengthBits;
    if ((head & ~kLengthBits) != kMark || length == 0 || length > kMaxPayload) return {.state = State::damaged};
    if (bytes.size() < kFrameHead + length) return {.state = State::cut_short};
    const auto payload = bytes.substr(kFrameHead, length);
    if (read_u32(bytes.substr(4)) != checksum(bytes, payload)) return {.state = State::damaged};
    return {.state = State::whole, .payload = payload, .size = kFrameHead + length};
}

std::size_t next_frame(std::string_view bytes) noexcept {
    // The mark is the fourth byte of a frame.
    for (auto mark = bytes.find('\xA5', 4); mark != std::string_view::npos; mark = bytes.find('\xA5', mark + 1)) {
        if (find_frame(bytes.substr(mark - 3)).state == Found::State::whole) return mark - 3;
    }
    return std::string_view::npos;
}

std::optional<Frame> decode_frame(std::string_view payload) {
    Unpacker in(payload);
    std::optional<Frame> frame;
    switch (in.byte()) {
        case 'H': frame = decode_header(in); break;
        case 'S': frame = decode_source(in); break;
        case 'R': frame = decode_record(in); break;
        default: break;
    }
    return in.ok() && in.at_end() ? std::move(frame) : std::nullopt;
}

}  // namespace diatom::journal
