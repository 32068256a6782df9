#include "image/incoming_blob.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <vector>

#include "sys/file.h"
#include "sys/log.h"

namespace diatom::image {
namespace {

static_assert(std::endian::native == std::endian::little);
using Entry = std::array<std::uint64_t, 2>;
constexpr std::size_t kMostEntries = 1U << 20U;  // of a journal that is read

Result<void> write_at(FdRef file, std::uint64_t offset, const void* bytes, std::size_t size) {
    const auto* next = static_cast<const char*>(bytes);
    while (size > 0) {
        const auto written = ::pwrite(file.raw(), next, size, static_cast<off_t>(offset));
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return fail_errno(errno, "write");
        next += written;
        offset += static_cast<std::uint64_t>(written);
        size -= static_cast<std::size_t>(written);
    }
    return {};
}

Result<std::size_t> read_at(FdRef file, std::uint64_t offset, void* bytes, std::size_t size) {
    for (;;) {
        const auto got = ::pread(file.raw(), bytes, size, static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_errno(errno, "read");
        return static_cast<std::size_t>(got);
    }
}

}  // namespace

Result<Fd> open_partial(const std::string& path, int flags) {
    for (;;) {
        auto file = TRY(sys::open_path(path, flags, 0600));
        if (::flock(file.raw(), LOCK_EX | LOCK_NB) != 0) {
            if (errno == EWOULDBLOCK) return fail(Kind::conflict, "{} is being written already", path);
            return fail_errno(errno, "lock {}", path);
        }
        struct stat opened{}, named{};
        if (::fstat(file.raw(), &opened) != 0) return fail_errno(errno, "look at {}", path);
        // Else it was removed, or became a blob, between the opening and the lock.
        if (::stat(path.c_str(), &named) == 0 && named.st_ino == opened.st_ino) return file;
    }
}

// Reads what is there, and waits for what is not.
class IncomingBlob::Reader final : public ByteSource {
public:
    explicit Reader(std::shared_ptr<IncomingBlob> blob) : blob_(std::move(blob)) {}

    Result<std::size_t> read(std::span<std::uint8_t> buffer) override {
        if (at_ == blob_->descriptor_.size) return std::size_t{0};
        const auto run = TRY(await_run());
        const auto size = std::min<std::uint64_t>(buffer.size(), run - at_);
        const auto got = TRY(read_at(blob_->file_, at_, buffer.data(), size));
        if (got == 0) return fail(Kind::corrupt, "{} is shorter than its journal says", blob_->partial_);
        at_ += got;
        return got;
    }

    void interrupt() override {
        const std::lock_guard guard(blob_->mutex_);
        interrupted_ = true;
        blob_->changed_.notify_all();
    }

private:
    // The end of the run of bytes that are there from here on.
    Result<std::uint64_t> await_run() {
        std::unique_lock lock(blob_->mutex_);
        std::uint64_t run = at_;
        blob_->changed_.wait(lock, [&] {
            run = blob_->present_.run_from(at_);
            return run > at_ || interrupted_ || blob_->stopped_;
        });
        if (interrupted_) return fail(Kind::cancelled, "reading {} was ended", blob_->descriptor_.digest.text());
        if (run > at_) return run;
        return Failure(*blob_->stopped_);
    }

    std::shared_ptr<IncomingBlob> blob_;
    std::uint64_t at_ = 0;
    bool interrupted_ = false;  // under the blob's lock
};

IncomingBlob::IncomingBlob(Descriptor descriptor, std::string partial, std::string target, Fd file)
    : descriptor_(std::move(descriptor)),
      partial_(std::move(partial)),
      target_(std::move(target)),
      file_(std::move(file)) {}

IncomingBlob::~IncomingBlob() {
    if (gone_ || present_.total() > 0) return;
    give_up();  // nothing to go on from
}

Result<std::shared_ptr<IncomingBlob>> IncomingBlob::open(Descriptor descriptor, std::string partial,
                                                         std::string target) {
    auto file = TRY(open_partial(partial, O_RDWR | O_CREAT));
    auto blob =
        std::make_shared<IncomingBlob>(std::move(descriptor), std::move(partial), std::move(target), std::move(file));
    TRY(blob->resume());
    return blob;
}

Result<void> IncomingBlob::resume() {
    std::vector<Entry> entries;
    for (Entry entry{}; entries.size() < kMostEntries;) {
        const auto at = journal() + entries.size() * sizeof entry;
        const auto got = TRY(read_at(file_, at, entry.data(), sizeof entry), "journal of {}", partial_);
        if (got < sizeof entry || entry[0] >= entry[1] || entry[1] > descriptor_.size) break;
        entries.push_back(entry);
    }
    for (const auto& [begin, end] : entries) present_.add({begin, end});
    inherited_ = present_.total();
    // A shorter journal that says the same. Each of its lines is true, so it may break off anywhere.
    for (const auto& [begin, end] : present_.ranges()) TRY(enter({begin, end}));
    const auto size = entries_ == 0 ? 0 : journal() + entries_ * sizeof(Entry);
    if (::ftruncate(file_.raw(), static_cast<off_t>(size)) != 0) return fail_errno(errno, "shorten {}", partial_);
    return {};
}

Result<void> IncomingBlob::enter(ByteRange range) {
    const Entry entry{range.begin, range.end};
    TRY(write_at(file_, journal() + entries_ * sizeof entry, entry.data(), sizeof entry));
    ++entries_;
    return {};
}

RangeSet IncomingBlob::present() const {
    const std::lock_guard guard(mutex_);
    return present_;
}

std::uint64_t IncomingBlob::size_present() const {
    const std::lock_guard guard(mutex_);
    return present_.total();
}

Result<void> IncomingBlob::write(std::uint64_t offset, std::string_view bytes) {
    if (offset + bytes.size() > descriptor_.size) {
        return fail(Kind::corrupt, "{} is longer than the {} bytes that its manifest says", descriptor_.digest.text(),
                    descriptor_.size);
    }
    if (bytes.empty()) return {};
    const ByteRange range{offset, offset + bytes.size()};
    auto stored = [&]() -> Result<void> {
        {
            const std::lock_guard guard(mutex_);
            if (stopped_) return Failure(*stopped_);
        }
        TRY(write_at(file_, offset, bytes.data(), bytes.size()), "store {}", descriptor_.digest.text());
        const std::lock_guard guard(mutex_);
        TRY(enter(range), "store {}", descriptor_.digest.text());
        present_.add(range);
        return {};
    }();
    // The disk needs the space more than the next attempt needs these bytes.
    if (!stored && stored.error().kind() == Kind::exhausted) give_up();
    changed_.notify_all();
    return stored;
}

bool IncomingBlob::stop(Error why) {
    const std::lock_guard guard(mutex_);
    const bool first = !stopped_;
    if (first) stopped_ = std::move(why);
    changed_.notify_all();
    return first;
}

std::unique_ptr<ByteSource> IncomingBlob::reader(std::shared_ptr<IncomingBlob> blob) {
    return std::make_unique<Reader>(std::move(blob));
}

Result<void> IncomingBlob::check(const Digest& found) const {
    if (found == descriptor_.digest) return {};
    return fail(Kind::corrupt, "filesystem layer verification failed for digest {}: got {} bytes with digest {}",
                descriptor_.digest.text(), descriptor_.size, found.text());
}

Result<void> IncomingBlob::verify(const std::shared_ptr<IncomingBlob>& blob) {
    const auto source = reader(blob);
    Hasher hasher(blob->descriptor_.digest.algorithm());
    std::vector<std::uint8_t> piece(256U << 10U);
    while (const auto size = TRY(source->read(piece))) hasher.update(std::span<const std::uint8_t>(piece).first(size));
    return blob->check(hasher.finish());
}

Result<void> IncomingBlob::commit(const std::shared_ptr<IncomingBlob>& blob) {
    if (auto verified = verify(blob); !verified) {
        if (verified.error().kind() == Kind::corrupt) blob->give_up();
        return verified;
    }
    if (::ftruncate(blob->file_.raw(), static_cast<off_t>(blob->descriptor_.size)) != 0)
        return fail_errno(errno, "cut off the journal of {}", blob->partial_);
    TRY(sys::sync_fd(blob->file_), "store {}", blob->descriptor_.digest.text());
    TRY(sys::rename_path(blob->partial_, blob->target_));
    const std::lock_guard guard(blob->mutex_);
    blob->gone_ = true;
    return sys::sync_dir(blob->target_.substr(0, blob->target_.rfind('/')));
}

Result<void> IncomingBlob::discard() {
    const std::lock_guard guard(mutex_);
    if (gone_) return {};
    TRY(sys::remove_file(partial_));
    gone_ = true;
    return {};
}

void IncomingBlob::give_up() {
    if (auto removed = discard(); !removed)
        log::warning("a partial download stays", {{"error", removed.error().what()}});
}

}  // namespace diatom::image
