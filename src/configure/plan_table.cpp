// What becomes of a table of partitions.
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <format>

#include "base/strings.h"
#include "configure/partition_table.h"

namespace diatom::configure {
namespace {

constexpr std::uint64_t kAlign = 1U << 20U;  // bytes
constexpr unsigned kMost = 128;
constexpr std::uint64_t kReserved = 34;  // sectors of 512: header, entries, and the MBR before them

Result<std::string> new_guid() {
    std::array<unsigned char, 16> bytes;
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
        return fail_errno(errno, "make a GUID");
    bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0FU) | 0x40U);  // RFC 9562: version 4
    bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3FU) | 0x80U);
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
        text += std::format("{:02X}", bytes[i]);
    }
    return text;
}

class TablePlan {
public:
    TablePlan(DiskTable table, const Disk& disk)
        : table_(std::move(table)), disk_(disk), align_(std::max<std::uint64_t>(kAlign / disk.sector, 1)) {}

    Result<void> want(const Value& said) {
        auto* there = find(said);
        if (said.boolean_of("absent")) return remove(said, there);
        if (there == nullptr) return add(said);
        if (const auto why = mismatch(said, *there); !why.empty()) {
            if (!said.boolean_of("wipe"))
                return said.error(
                    "partitions",
                    std::format("partition {} is there and {}: nothing is changed without wipe", there->number, why));
            const auto number = there->number;
            std::erase_if(table_.partitions, [&](const Partition& one) { return one.number == number; });
            return add(said, number);
        }
        if (!said.text_of("label").empty()) there->label = said.text_of("label");
        if (said.boolean_of("resize")) grow(said, *there);
        return {};
    }

    DiskTable take() {
        std::ranges::sort(table_.partitions, {}, &Partition::number);
        return std::move(table_);
    }

private:
    Partition* find(const Value& said) {
        const auto number = said.integer_of("number");
        const auto label = said.text_of("label");
        const auto found = std::ranges::find_if(table_.partitions, [&](const Partition& one) {
            return number > 0 ? one.number == static_cast<std::uint64_t>(number) : !label.empty() && one.label == label;
        });
        return found == table_.partitions.end() ? nullptr : &*found;
    }

    // To the size that is said, or as far as there is room.
    void grow(const Value& said, Partition& there) const {
        const auto until = free_until(there.last + 1);
        const auto wanted = sectors(said, "size");
        const auto last = wanted ? std::min(until, there.first + *wanted - 1) : until;
        there.last = std::max(there.last, last);
    }

    Result<void> remove(const Value& said, const Partition* there) {
        if (there == nullptr) return {};
        if (!said.boolean_of("wipe"))
            return said.error("partitions",
                              std::format("partition {} is there: it goes with wipe only", there->number));
        const auto number = there->number;
        std::erase_if(table_.partitions, [&](const Partition& one) { return one.number == number; });
        return {};
    }

    std::optional<std::uint64_t> sectors(const Value& said, std::string_view key) const {
        if (key == "size" && said.has("percent")) {
            const auto usable = table_.last_usable - table_.first_usable + 1;
            return usable / 100 * static_cast<std::uint64_t>(said.integer_of("percent"));
        }
        const auto bytes = parse_bytes(said.at(key).scalar_text());
        return bytes ? std::optional(*bytes / disk_.sector) : std::nullopt;
    }

    std::string mismatch(const Value& said, const Partition& there) const {
        const auto size = there.last - there.first + 1;
        if (const auto start = sectors(said, "start"); start && *start != there.first) return "begins elsewhere";
        if (const auto wanted = sectors(said, "size"); wanted && said.has("size") && *wanted != size) {
            if (*wanted > size && said.boolean_of("resize") && free_until(there.last + 1) >= there.first + *wanted - 1)
                return {};
            return "has another size";
        }
        if (const auto label = said.text_of("label"); !label.empty() && label != there.label && said.has("number"))
            return "has another label";
        if (const auto type = type_guid(said.text_of("type")); said.has("type") && type != there.type)
            return "is of another type";
        return {};
    }

    // Sectors from `from` on that nobody has; the end of them.
    std::uint64_t free_until(std::uint64_t from) const {
        auto until = table_.last_usable;
        for (const auto& one : table_.partitions) {
            if (one.last >= from) until = std::min(until, one.first > from ? one.first - 1 : from - 1);
        }
        return until;
    }

    std::uint64_t aligned(std::uint64_t sector) const { return (sector + align_ - 1) / align_ * align_; }

    // The first gap that is large enough, or the largest where no size is said.
    std::optional<std::pair<std::uint64_t, std::uint64_t>> gap(std::optional<std::uint64_t> size) const {
        std::optional<std::pair<std::uint64_t, std::uint64_t>> best;
        std::vector<std::uint64_t> starts{aligned(table_.first_usable)};
        for (const auto& one : table_.partitions) starts.push_back(aligned(one.last + 1));
        std::ranges::sort(starts);
        for (const auto start : starts) {
            const auto until = free_until(start);
            if (start > table_.last_usable || until < start || (size && until - start + 1 < *size)) continue;
            if (size) return std::pair(start, start + *size - 1);
            if (!best || until - start > best->second - best->first) best = std::pair(start, until);
        }
        return best;
    }

    Result<unsigned> free_number(const Value& said) const {
        if (const auto number = said.integer_of("number"); number > 0) {
            if (number > kMost) return said.error("partitions", "a table has 128 partitions");
            return static_cast<unsigned>(number);
        }
        for (unsigned number = 1; number <= kMost; ++number) {
            if (!std::ranges::contains(table_.partitions, number, &Partition::number)) return number;
        }
        return said.error("partitions", "the table is full");
    }

    Result<void> add(const Value& said, unsigned number = 0) {
        Partition made{.number = number != 0 ? number : TRY(free_number(said)),
                       .label = said.text_of("label"),
                       .guid = said.has("guid") ? type_guid(said.text_of("guid")).value_or("") : TRY(new_guid())};
        const auto type = type_guid(said.text_of("type"));
        if (!type) return said.error("type", "is no GUID, and no name such as linux, swap or esp");
        if (made.guid.empty()) return said.error("guid", "is no GUID");
        made.type = *type;
        const auto size = sectors(said, "size");
        if (const auto start = sectors(said, "start"); start && *start > 0) {
            const auto until = free_until(*start);
            if (*start < table_.first_usable || until < *start || (size && until - *start + 1 < *size))
                return said.error("start", "there is no room");
            made.first = *start;
            made.last = size ? *start + *size - 1 : until;
        } else {
            auto room = gap(size);
            // Shares of a disk leave no room for the table and for boundaries: the last gives way.
            if (!room && said.has("percent")) room = gap(std::nullopt);
            if (room && size && room->second - room->first + 1 + 4 * align_ < *size) room.reset();
            if (!room) return said.error("partitions", "there is no room for it on the disk");
            made.first = room->first;
            made.last = room->second;
        }
        table_.partitions.push_back(std::move(made));
        return {};
    }

    DiskTable table_;
    const Disk& disk_;
    std::uint64_t align_;
};

}  // namespace

Result<DiskTable> plan_table(const std::optional<DiskTable>& old, const Value& wanted, const Disk& disk) {
    DiskTable table;
    if (old) {
        table = *old;
    } else {
        const auto reserved = kReserved * 512 / disk.sector + 2, sectors = disk.bytes / disk.sector;
        if (sectors < 4 * reserved) return wanted.error("", "the disk is too small for a table");
        table.guid = TRY(new_guid());
        table.first_usable = reserved;
        table.last_usable = sectors - reserved;
    }
    TablePlan plan(std::move(table), disk);
    auto partitions = wanted.at("partitions").items();
    // Without a name they are those in order, also when they are asked for again.
    const auto nameless = [](const Value& one) { return !one.has("number") && one.text_of("label").empty(); };
    if (std::ranges::all_of(partitions, nameless)) {
        for (std::size_t i = 0; i < partitions.size(); ++i)
            partitions[i].set("number", Value::of(static_cast<std::int64_t>(i + 1)));
    }
    // Who must go makes room for the others.
    for (const bool absent : {true, false}) {
        for (const auto& partition : partitions) {
            if (partition.boolean_of("absent") == absent) TRY(plan.want(partition));
        }
    }
    return plan.take();
}

}  // namespace diatom::configure
