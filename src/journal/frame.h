// The bytes of a segment: one frame behind the other, each with its length and a checksum, so that a tail that a power
// cut tore is known for one, and what stands behind damage is found again. Thread side: any; pure.
//
//   frame    u32 0xA5 << 24 | length, u32 CRC-32C over length and payload, payload
//   payload  'H' header     version, boot, first number, time         the first frame of a segment
//            'S' source     id in this segment, name, position        before the first record that came from it
//            'R' record     number, times, priority, source, texts
// Numbers are LEB128 or little endian, texts have their length before them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "journal/record.h"

namespace diatom::journal {

inline constexpr std::size_t kFrameHead = 8;                   // bytes
inline constexpr std::size_t kMaxPayload = (256U << 10U) - 1;  // bytes; records are cut to fit

struct HeaderFrame {
    BootId boot;
    std::uint64_t first_number = 0;
    std::int64_t time = 0;  // wall ns
};
struct SourceFrame {
    std::uint64_t id = 0;  // from 1; 0: no source
    std::string name;
    Position position;
};
struct RecordFrame {
    Record record;  // without boot, source and identity, which other frames have
    std::uint64_t source_id = 0;
};
using Frame = std::variant<HeaderFrame, SourceFrame, RecordFrame>;

void append_frame(std::string& bytes, const HeaderFrame& frame);
void append_frame(std::string& bytes, const SourceFrame& frame);
void append_frame(std::string& bytes, const Record& record, std::uint64_t source_id);

// What stands at the front of `bytes`.
struct Found {
    enum class State : std::uint8_t { whole, cut_short, damaged };
    State state = State::damaged;
    std::string_view payload;
    std::size_t size = 0;  // of the whole frame
};
Found find_frame(std::string_view bytes) noexcept;
// Where behind the front the next whole frame begins; npos: nowhere.
std::size_t next_frame(std::string_view bytes) noexcept;

// Nothing: a frame of another version, or malformed although its checksum is right.
std::optional<Frame> decode_frame(std::string_view payload);

std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0) noexcept;  // RFC 3720, B.4

// Reads and writes the numbers and texts that frames and indexes are made of.
class Packer {
public:
    explicit Packer(std::string& out) : out_(out) {}
    void byte(std::uint8_t value) { out_ += static_cast<char>(value); }
    void fixed(std::uint64_t value, int size);
    void number(std::uint64_t value);
    void text(std::string_view value);

private:
    std::string& out_;
};

// Once something is missing, ok() is false and everything is empty.
class Unpacker {
public:
    explicit Unpacker(std::string_view bytes) noexcept : bytes_(bytes) {}
    std::uint8_t byte() noexcept { return static_cast<std::uint8_t>(fixed(1)); }
    std::uint64_t fixed(int size) noexcept;
    std::uint64_t number() noexcept;
    std::string_view text() noexcept;
    std::string_view bytes(std::size_t size) noexcept;
    bool ok() const noexcept { return ok_; }
    bool at_end() const noexcept { return bytes_.empty(); }

private:
    std::string_view bytes_;
    bool ok_ = true;
};

}  // namespace diatom::journal
