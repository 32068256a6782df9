#include "journal/segment.h"

#include <algorithm>
#include <format>

#include "base/strings.h"
#include "journal/frame.h"
#include "sys/file.h"

namespace diatom::journal {
namespace {

constexpr std::string_view kMagic = "DIATIDX1", kSuffix = ".log";
constexpr std::size_t kUnitBits = 63, kMaxUnits = 4096, kDigits = 20;

}  // namespace

std::string segment_path(const std::string& directory, std::uint64_t first_number) {
    return std::format("{}/{:020}{}", directory, first_number, kSuffix);
}

std::string index_path(const std::string& directory, std::uint64_t first_number) {
    return std::format("{}/{:020}.idx", directory, first_number);
}

std::vector<std::uint64_t> list_segments(const std::string& directory) {
    std::vector<std::uint64_t> numbers;
    for (const auto& name : sys::list_dir(directory).value_or(std::vector<std::string>())) {
        if (name.size() != kDigits + kSuffix.size() || !name.ends_with(kSuffix)) continue;
        if (const auto number = parse_uint(std::string_view(name).substr(0, kDigits))) numbers.push_back(*number);
    }
    std::ranges::sort(numbers);
    return numbers;
}

std::uint64_t SegmentIndex::bit_of(std::string_view unit) const noexcept {
    const auto at = static_cast<std::size_t>(std::ranges::find(units, unit) - units.begin());
    return at == units.size() ? 0 : std::uint64_t{1} << std::min(at, kUnitBits);
}

bool SegmentIndex::add(const Record& record, std::uint64_t offset, std::uint64_t end) {
    const bool full = !blocks.empty() && offset >= blocks.back().offset + kBlockBytes;
    if (blocks.empty() || full) blocks.push_back({.offset = offset, .first_number = record.number});
    if (!std::ranges::contains(units, record.unit) && units.size() < kMaxUnits) units.push_back(record.unit);
    auto& block = blocks.back();
    block.first_time = std::min(block.first_time, record.time);
    block.last_time = std::max(block.last_time, record.time);
    block.priorities |= static_cast<std::uint8_t>(1U << static_cast<unsigned>(record.priority));
    const auto bit = bit_of(record.unit);
    block.units |= bit == 0 ? std::uint64_t{1} << kUnitBits : bit;
    next_number = record.number + 1;
    covered = end;
    return full;
}

bool SegmentIndex::may_have(const Block& block, const Query& query) const {
    if (block.last_time < query.since || block.first_time > query.until) return false;
    if (query.boot && *query.boot != boot) return false;
    const auto wanted = (2U << static_cast<unsigned>(query.priority)) - 1;
    if ((block.priorities & wanted) == 0) return false;
    if (query.units.empty() || units.size() == kMaxUnits) return true;
    return std::ranges::any_of(query.units, [&](const auto& unit) { return (block.units & bit_of(unit)) != 0; });
}

std::string SegmentIndex::encode() const {
    std::string payload;
    Packer out(payload);
    for (const auto byte : boot.bytes) out.byte(byte);
    out.number(first_number);
    out.number(next_number);
    out.number(covered);
    out.number(units.size());
    for (const auto& unit : units) out.text(unit);
    out.number(blocks.size());
    for (const auto& block : blocks) {
        out.number(block.offset);
        out.number(block.first_number);
        out.fixed(static_cast<std::uint64_t>(block.first_time), 8);
        out.fixed(static_cast<std::uint64_t>(block.last_time), 8);
        out.byte(block.priorities);
        out.fixed(block.units, 8);
    }
    std::string bytes(kMagic);
    Packer(bytes).fixed(crc32c(payload), 4);
    return bytes + payload;
}

std::optional<SegmentIndex> SegmentIndex::decode(std::string_view bytes) {
    Unpacker in(bytes);
    if (in.bytes(kMagic.size()) != kMagic) return std::nullopt;
    const auto sum = in.fixed(4);
    if (!in.ok() || sum != crc32c(bytes.substr(kMagic.size() + 4))) return std::nullopt;
    SegmentIndex index;
    std::ranges::copy(in.bytes(index.boot.bytes.size()), index.boot.bytes.begin());
    index.first_number = in.number();
    index.next_number = in.number();
    index.covered = in.number();
    const auto unit_count = in.number();
    if (unit_count > kMaxUnits) return std::nullopt;
    for (std::uint64_t i = 0; i < unit_count && in.ok(); ++i) index.units.emplace_back(in.text());
    const auto block_count = in.number();
    for (std::uint64_t i = 0; i < block_count && in.ok(); ++i) {
        Block block;
        block.offset = in.number();
        block.first_number = in.number();
        block.first_time = static_cast<std::int64_t>(in.fixed(8));
        block.last_time = static_cast<std::int64_t>(in.fixed(8));
        block.priorities = in.byte();
        block.units = in.fixed(8);
        // Readers go from one to the next.
        const auto before = index.blocks.empty() ? 0 : index.blocks.back().offset + 1;
        if (block.offset < before || block.offset >= index.covered) return std::nullopt;
        index.blocks.push_back(block);
    }
    return in.ok() && in.at_end() ? std::optional(std::move(index)) : std::nullopt;
}

}  // namespace diatom::journal
