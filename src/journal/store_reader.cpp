#include "journal/store_reader.h"

#include <algorithm>

#include "sys/file.h"

namespace diatom::journal {
namespace {

// What is written down, if it is of this segment as it is.
SegmentIndex written_index(const std::string& directory, std::uint64_t number, const HeaderFrame& header) {
    const auto bytes = sys::read_file(index_path(directory, number));
    auto index = bytes ? SegmentIndex::decode(*bytes) : std::nullopt;
    const auto status = sys::stat_path(segment_path(directory, number));
    const bool mine = index && index->boot == header.boot && index->first_number == header.first_number && status &&
                      index->covered <= static_cast<std::uint64_t>(status->st_size);
    if (mine) return *std::move(index);
    SegmentIndex empty;
    empty.boot = header.boot;
    empty.first_number = empty.next_number = header.first_number;
    return empty;
}

}  // namespace

Result<SegmentIndex> index_of(const std::string& directory, std::uint64_t first_number) {
    auto reader = TRY(SegmentReader::open(segment_path(directory, first_number)));
    auto index = written_index(directory, first_number, reader.header());
    if (index.covered > 0) reader.seek(index.covered);
    for (auto begin = reader.offset(); auto frame = reader.next(); begin = reader.offset()) {
        if (const auto* found = std::get_if<RecordFrame>(&*frame)) index.add(found->record, begin, reader.offset());
    }
    return index;
}

void StoreReader::seek(std::uint64_t number) {
    from_ = number;
    segment_.reset();
    const auto numbers = list_segments(directory_);
    const auto behind = std::ranges::upper_bound(numbers, number);
    if (behind != numbers.begin()) open(*std::prev(behind));
}

void StoreReader::open(std::uint64_t first_number) {
    segment_number_ = first_number;
    sources_.clear();
    segment_.reset();
    auto opened = SegmentReader::open(segment_path(directory_, first_number));
    if (!opened) return;
    segment_ = std::move(*opened);
    index_ = written_index(directory_, first_number, segment_->header());
    block_ = 0;
    // The newest is read whole: it says how far the sources are.
    const auto numbers = list_segments(directory_);
    newest_ = numbers.empty() || numbers.back() == first_number;
    if (newest_) positions_.clear();
}

// False when there is none behind this one.
bool StoreReader::open_next() {
    for (const auto number : list_segments(directory_)) {
        if (number <= segment_number_) continue;
        if (segment_) damaged_ += segment_->damaged();
        open(number);
        if (segment_) return true;
    }
    return false;
}

// Over the blocks that have nothing that is wanted.
void StoreReader::skip_blocks() {
    if (newest_) return;
    const auto& blocks = index_.blocks;
    while (block_ < blocks.size() && segment_->offset() >= blocks[block_].offset) {
        const bool last = block_ + 1 == blocks.size();
        const auto end = last ? index_.covered : blocks[block_ + 1].offset;
        const auto next_number = last ? index_.next_number : blocks[block_ + 1].first_number;
        if (segment_->offset() == blocks[block_].offset &&
            (next_number <= from_ || !index_.may_have(blocks[block_], query_)))
            segment_->seek(end);
        else if (segment_->offset() < end) return;
        ++block_;
    }
}

void StoreReader::note(SourceFrame frame) {
    if (newest_) positions_.insert_or_assign(frame.name, frame.position);
    sources_[frame.id] = std::move(frame);
}

Record StoreReader::complete(RecordFrame frame) {
    auto record = std::move(frame.record);
    record.boot = segment_->header().boot;
    const auto source = sources_.find(frame.source_id);
    if (source == sources_.end()) return record;
    record.source = source->second.name;
    record.position.identity = source->second.position.identity;
    if (newest_) positions_.insert_or_assign(record.source, record.position);
    return record;
}

std::optional<Record> StoreReader::next() {
    if (!segment_ && !open_next()) return std::nullopt;
    for (;;) {
        skip_blocks();
        auto frame = segment_->next();
        if (!frame) {
            // A newer segment is begun when this one has ended, so what it has got since is all.
            const auto numbers = list_segments(directory_);
            const bool more = !numbers.empty() && numbers.back() > segment_number_;
            if (more && (frame = segment_->next(), !frame) && !open_next()) return std::nullopt;
            if (!more) return std::nullopt;
            if (!frame) continue;
        }
        if (auto* source = std::get_if<SourceFrame>(&*frame)) {
            note(std::move(*source));
        } else if (auto* found = std::get_if<RecordFrame>(&*frame)) {
            auto record = complete(std::move(*found));
            if (record.number >= from_ && query_.wants(record)) return record;
        }
    }
}

std::uint64_t StoreReader::number_of_last(std::uint64_t count) {
    auto numbers = list_segments(directory_);
    std::ranges::reverse(numbers);
    if (count == 0 && !numbers.empty()) {
        const auto newest = index_of(directory_, numbers.front());
        return newest ? newest->next_number : numbers.front();
    }
    for (const auto number : numbers) {
        auto index = index_of(directory_, number);
        auto reader = SegmentReader::open(segment_path(directory_, number));
        if (!index || !reader) continue;
        std::uint64_t end = index->covered;
        for (auto block = index->blocks.rbegin(); block != index->blocks.rend(); end = block++->offset) {
            if (!index->may_have(*block, query_)) continue;
            std::vector<std::uint64_t> wanted;
            reader->seek(block->offset);
            while (reader->offset() < end) {
                auto frame = reader->next();
                if (!frame) break;
                auto* found = std::get_if<RecordFrame>(&*frame);
                if (found == nullptr) continue;
                found->record.boot = index->boot;
                if (query_.wants(found->record)) wanted.push_back(found->record.number);
            }
            if (wanted.size() >= count) return wanted[wanted.size() - count];
            count -= wanted.size();
        }
    }
    return 1;
}

std::vector<BootSpan> list_boots(const std::string& directory) {
    std::vector<BootSpan> boots;
    for (const auto number : list_segments(directory)) {
        const auto index = index_of(directory, number);
        if (!index || index->blocks.empty()) continue;
        if (boots.empty() || boots.back().boot != index->boot)
            boots.push_back({.boot = index->boot, .first_number = index->first_number});
        auto& span = boots.back();
        span.next_number = index->next_number;
        for (const auto& block : index->blocks) {
            span.first_time = std::min(span.first_time, block.first_time);
            span.last_time = std::max(span.last_time, block.last_time);
        }
    }
    return boots;
}

std::vector<std::string> list_units(const std::string& directory) {
    std::vector<std::string> units;
    for (const auto number : list_segments(directory)) {
        if (const auto index = index_of(directory, number))
            units.insert(units.end(), index->units.begin(), index->units.end());
    }
    std::ranges::sort(units);
    const auto twice = std::ranges::unique(units);
    units.erase(twice.begin(), twice.end());
    return units;
}

}  // namespace diatom::journal
