#include "journal/store_writer.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "journal/frame.h"
#include "journal/segment_reader.h"
#include "sys/clock.h"
#include "sys/file.h"

namespace diatom::journal {
namespace {

constexpr std::uint64_t kParts = 16;  // in which what is kept is removed
constexpr std::uint64_t kMinSegment = 64U << 10U, kMaxSegment = 8U << 20U;
constexpr std::int64_t kHour = 3'600'000'000'000;
constexpr std::size_t kWriteBytes = 256U << 10U;  // at a time
constexpr std::uint64_t kLeap = 1U << 20U;        // more numbers than a segment has

Result<Fd> lock_store(const std::string& directory) {
    auto lock = TRY(sys::open_path(directory + "/lock", O_RDWR | O_CREAT, 0600));
    if (::flock(lock.raw(), LOCK_EX | LOCK_NB) == 0) return lock;
    if (errno == EWOULDBLOCK) return fail(Kind::conflict, "another process writes {}", directory);
    return fail_errno(errno, "lock {}", directory);
}

std::uint64_t file_size(const std::string& path) {
    const auto status = sys::stat_path(path);
    return status ? static_cast<std::uint64_t>(status->st_size) : 0;
}

}  // namespace

std::uint64_t Limits::segment_bytes() const noexcept {
    return std::clamp(max_bytes / kParts, kMinSegment, kMaxSegment);
}

std::int64_t Limits::segment_age_ns() const noexcept {
    return max_age_ns == 0 ? INT64_MAX : std::max(max_age_ns / static_cast<std::int64_t>(kParts), kHour / 60);
}

Result<std::unique_ptr<StoreWriter>> StoreWriter::open(const std::string& directory, const BootId& boot,
                                                       Limits limits) {
    TRY(sys::make_dirs(directory, 0700));
    auto lock = TRY(lock_store(directory));
    auto writer = std::unique_ptr<StoreWriter>(new StoreWriter(directory, boot, limits, std::move(lock)));
    TRY(writer->take_up(), "take up the log in {}", directory);
    return writer;
}

StoreWriter::~StoreWriter() {
    if (file_) std::ignore = end_segment();
}

// Reads the newest segment: where it ends, what came from where. One that cannot be read is in nobody's way.
Result<void> StoreWriter::take_up() {
    const auto numbers = list_segments(directory_);
    if (numbers.empty()) return {};
    const auto path = segment_path(directory_, numbers.back());
    auto reader = SegmentReader::open(path);
    if (!reader && reader.error().kind() != Kind::corrupt) return forward_error(std::move(reader));
    if (!reader && file_size(path) <= kBlockBytes) {
        // Not even its first frames reached the disk: the one before it is whole.
        TRY(sys::remove_file(path));
        TRY(sys::remove_file(index_path(directory_, numbers.back())));
        return take_up();
    }
    if (!reader) {
        at_.next_number = numbers.back() + kLeap;
        return {};
    }
    TRY(read_frames(*reader));
    file_ = TRY(sys::open_path(path, O_WRONLY));
    if (file_size(path) > at_.size && ::ftruncate(file_.raw(), static_cast<off_t>(at_.size)) < 0)
        return fail_errno(errno, "cut the torn end of {}", path);
    if (::lseek(file_.raw(), 0, SEEK_END) < 0) return fail_errno(errno, "go to the end of {}", path);
    unsynced_ = new_name_ = true;
    // A segment is of one boot, and has no holes that one would write behind.
    if (reader->header().boot != boot_ || reader->damaged() > 0) return end_segment();
    return {};
}

Result<void> StoreWriter::read_frames(SegmentReader& reader) {
    const auto& header = reader.header();
    at_.index.boot = header.boot;
    at_.index.first_number = at_.index.next_number = at_.next_number = header.first_number;
    begun_ = header.time;
    at_.size = reader.offset();
    std::map<std::uint64_t, SourceFrame> sources;
    while (auto frame = reader.next()) {
        const auto begin = std::exchange(at_.size, reader.offset());
        if (auto* source = std::get_if<SourceFrame>(&*frame)) {
            at_.positions.insert_or_assign(source->name, source->position);
            at_.ids.insert_or_assign(source->name, std::pair(source->id, source->position.identity));
            at_.last_source = std::max(at_.last_source, source->id);
            sources[source->id] = std::move(*source);
        } else if (auto* found = std::get_if<RecordFrame>(&*frame)) {
            at_.next_number = std::max(at_.next_number, found->record.number + 1);
            at_.index.add(found->record, begin, at_.size);
            if (const auto from = sources.find(found->source_id); from != sources.end())
                at_.positions.insert_or_assign(from->second.name,
                                               Position{from->second.position.identity, found->record.position.offset});
        }
    }
    return {};
}

Result<void> StoreWriter::begin_segment(std::int64_t now) {
    const auto path = segment_path(directory_, at_.next_number);
    file_ = TRY(sys::open_path(path, O_WRONLY | O_CREAT | O_TRUNC, 0600));
    at_.index = {};
    at_.index.boot = boot_;
    at_.index.first_number = at_.index.next_number = at_.next_number;
    at_.size = 0;
    begun_ = now;
    at_.ids.clear();
    at_.last_source = 0;
    std::string bytes;
    append_frame(bytes, HeaderFrame{boot_, at_.next_number, now});
    for (const auto& [name, position] : at_.positions) {
        append_frame(bytes, SourceFrame{++at_.last_source, name, position});
        at_.ids.insert_or_assign(name, std::pair(at_.last_source, position.identity));
    }
    new_name_ = true;
    auto written = write(bytes);
    if (!written) file_.reset();
    return written;
}

// Its index is what lets readers pass over it.
Result<void> StoreWriter::end_segment() {
    save_index();
    TRY(sync());
    file_.reset();
    return {};
}

// A reader without an index reads more.
void StoreWriter::save_index() {
    if (at_.index.blocks.empty()) return;
    std::ignore = sys::replace_file(index_path(directory_, at_.index.first_number), at_.index.encode(), 0600);
}

Result<void> StoreWriter::sync() {
    if (file_ && ::fdatasync(file_.raw()) < 0) return fail_errno(errno, "flush the log in {}", directory_);
    if (new_name_) TRY(sys::sync_dir(directory_));
    unsynced_ = new_name_ = false;
    return {};
}

Result<void> StoreWriter::write(std::string_view bytes) {
    for (;;) {
        auto written = sys::write_all(file_, bytes);
        if (written) break;
        // Half a frame must not stand before the next one.
        std::ignore = ::ftruncate(file_.raw(), static_cast<off_t>(at_.size));
        std::ignore = ::lseek(file_.raw(), static_cast<off_t>(at_.size), SEEK_SET);
        if (written.error().kind() != Kind::exhausted || !TRY(remove_oldest())) return written;
    }
    at_.size += bytes.size();
    unsynced_ = true;
    return {};
}

// The frame of a record, after that of its source where this is new. True when a block of the index has become full.
bool StoreWriter::encode(Record& record, std::string& bytes) {
    record.number = at_.next_number++;
    record.boot = boot_;
    std::uint64_t id = 0;
    const auto base = at_.size - bytes.size();
    if (!record.source.empty()) {
        auto& known = at_.ids[record.source];
        if (known.first == 0 || known.second != record.position.identity) {
            known = {++at_.last_source, record.position.identity};
            append_frame(bytes, SourceFrame{known.first, record.source, {record.position.identity, 0}});
        }
        id = known.first;
        at_.positions.insert_or_assign(record.source, record.position);
    }
    const auto begin = base + bytes.size();
    append_frame(bytes, record, id);
    at_.size = base + bytes.size();
    return at_.index.add(record, begin, at_.size);
}

Result<void> StoreWriter::append(std::span<Record> records) {
    while (!records.empty()) {
        const auto now = sys::wall_ns();
        if (file_ && at_.size >= limits_.segment_bytes()) TRY(end_segment());
        if (!file_) {
            TRY(enforce(now));
            TRY(begin_segment(now));
        }
        auto before = at_;
        std::string bytes;
        std::size_t count = 0;
        bool full = false;
        while (count < records.size() && bytes.size() < kWriteBytes) full |= encode(records[count++], bytes);
        at_.size = before.size;
        if (auto written = write(bytes); !written) {
            at_ = std::move(before);
            return written;
        }
        if (full) save_index();
        records = records.subspan(count);
    }
    return {};
}

void StoreWriter::keep_sources(const std::set<std::string, std::less<>>& names) {
    std::erase_if(at_.positions, [&](const auto& position) { return !names.contains(position.first); });
}

std::uint64_t StoreWriter::total_bytes() const {
    std::uint64_t total = 0;
    for (const auto number : list_segments(directory_))
        total += file_size(segment_path(directory_, number)) + file_size(index_path(directory_, number));
    return total;
}

// False when there is none but the one that is being written.
Result<bool> StoreWriter::remove_oldest() {
    const auto numbers = list_segments(directory_);
    if (numbers.empty() || (file_ && numbers.front() == at_.index.first_number)) return false;
    TRY(sys::remove_file(segment_path(directory_, numbers.front())));
    TRY(sys::remove_file(index_path(directory_, numbers.front())));
    ++removed_;
    return true;
}

Result<void> StoreWriter::enforce(std::int64_t now) {
    if (file_ && !at_.index.blocks.empty() && now - begun_ > limits_.segment_age_ns()) TRY(end_segment());
    const auto room = file_ ? 0 : limits_.segment_bytes();
    for (;;) {
        const auto numbers = list_segments(directory_);
        if (numbers.empty()) return {};
        bool beyond = numbers.size() > limits_.max_segments || total_bytes() + room > limits_.max_bytes;
        if (!beyond && limits_.max_age_ns != 0) {
            const auto status = sys::stat_path(segment_path(directory_, numbers.front()));
            beyond = status && now - status->st_mtim.tv_sec * std::int64_t{1'000'000'000} > limits_.max_age_ns;
        }
        if (!beyond || !TRY(remove_oldest())) return {};
    }
}

}  // namespace diatom::journal
