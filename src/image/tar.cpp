#include "image/tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>

#include "base/strings.h"

namespace diatom::image {
namespace {

constexpr std::size_t kBuffer = 256U << 10U;
constexpr std::size_t kBlock = 512;

// libarchive converts pax names from UTF-8 to the locale's charset and hands out the raw bytes where it cannot. In the
// C locale it never can, so names arrive as they are, whatever the process has set.
class CLocale {
public:
    CLocale() : locale_(::newlocale(LC_ALL_MASK, "C", nullptr)), before_(::uselocale(locale_)) {}
    CLocale(const CLocale&) = delete;
    CLocale& operator=(const CLocale&) = delete;
    ~CLocale() {
        ::uselocale(before_);
        if (locale_ != nullptr) ::freelocale(locale_);
    }

private:
    locale_t locale_, before_;
};

struct FreeArchive {
    void operator()(archive* reader) const noexcept { archive_read_free(reader); }
};

struct Feed {
    ByteSource& source;
    std::vector<std::uint8_t> buffer;
    std::optional<Error> failure;
    std::uint64_t given = 0;     // bytes
    bool body_complete = false;  // of the current entry
};

la_ssize_t feed_archive(archive* reader, void* client, const void** bytes) {
    auto& feed = *static_cast<Feed*>(client);
    auto got = feed.source.read(feed.buffer);
    if (!got) {
        feed.failure = std::move(got).error();
        archive_set_error(reader, EIO, "source failed");
        return -1;
    }
    std::size_t size = *got;
    // Some tools end a layer behind the last byte of its last file, without the padding of its block, and every other
    // reader takes that. Never in the middle of a file: there it is a truncated archive.
    if (size == 0 && feed.body_complete) {
        size = (kBlock - feed.given % kBlock) % kBlock;
        std::fill_n(feed.buffer.begin(), size, std::uint8_t{0});
    }
    feed.given += size;
    *bytes = feed.buffer.data();
    return static_cast<la_ssize_t>(size);
}

class TarReader {
public:
    TarReader(ByteSource& source, TarSink& sink, const std::atomic<bool>* cancelled)
        : feed_{.source = source, .buffer = std::vector<std::uint8_t>(kBuffer), .failure = std::nullopt},
          sink_(sink),
          cancelled_(cancelled),
          reader_(archive_read_new()) {}

    Result<void> run() {
        if (!reader_) return fail(Kind::exhausted, "tar: out of memory");
        archive_read_support_format_tar(reader_.get());
        archive_read_support_format_empty(reader_.get());
        if (archive_read_open(reader_.get(), &feed_, nullptr, feed_archive, nullptr) != ARCHIVE_OK) return failure();
        while (TRY(next())) {}
        return drain();
    }

private:
    Result<bool> next() {
        TRY(check_cancelled());
        archive_entry* raw = nullptr;
        const int code = archive_read_next_header(reader_.get(), &raw);
        if (code == ARCHIVE_EOF) return false;
        if (code != ARCHIVE_OK && code != ARCHIVE_WARN) return failure();
        const auto entry = TRY(convert(raw));
        TRY(sink_.begin(entry), "{}", entry.path);
        feed_.body_complete = false;
        if (entry.type == EntryType::file) TRY(copy_data(entry), "{}", entry.path);
        TRY(sink_.end(entry), "{}", entry.path);
        return true;
    }

    Result<void> copy_data(const TarEntry& entry) {
        for (;;) {
            TRY(check_cancelled());
            const void* bytes = nullptr;
            std::size_t size = 0;
            la_int64_t offset = 0;
            const int code = archive_read_data_block(reader_.get(), &bytes, &size, &offset);
            if (code == ARCHIVE_EOF) return {};
            if (code != ARCHIVE_OK || offset < 0) return failure();
            feed_.body_complete = static_cast<std::uint64_t>(offset) + size >= entry.size;
            if (size == 0) continue;
            TRY(sink_.data(static_cast<std::uint64_t>(offset), {static_cast<const char*>(bytes), size}));
        }
    }

    // What follows the archive's end belongs to the layer's digest all the same.
    Result<void> drain() {
        for (;;) {
            TRY(check_cancelled());
            if (TRY(feed_.source.read(feed_.buffer)) == 0) return {};
        }
    }

    Result<void> check_cancelled() const {
        if (cancelled_ != nullptr && cancelled_->load(std::memory_order_relaxed)) {
            return fail(Kind::cancelled, "unpacking was cancelled");
        }
        return {};
    }

    Failure failure() {
        if (feed_.failure) return Failure(std::move(*feed_.failure));
        const char* text = archive_error_string(reader_.get());
        return fail(Kind::corrupt, "tar archive: {}", text != nullptr ? text : "damaged");
    }

    static Result<EntryType> type_of(archive_entry* raw) {
        if (archive_entry_hardlink(raw) != nullptr) return EntryType::hardlink;
        switch (archive_entry_filetype(raw)) {
            case AE_IFREG: return EntryType::file;
            case AE_IFDIR: return EntryType::directory;
            case AE_IFLNK: return EntryType::symlink;
            case AE_IFCHR: return EntryType::character_device;
            case AE_IFBLK: return EntryType::block_device;
            case AE_IFIFO: return EntryType::fifo;
            default: return fail(Kind::unsupported, "it is of a type that images do not hold");
        }
    }

    static Result<void> convert_link(archive_entry* raw, TarEntry& entry) {
        const char* link = entry.type == EntryType::hardlink ? archive_entry_hardlink(raw) : archive_entry_symlink(raw);
        if (link == nullptr || *link == '\0') return fail(Kind::corrupt, "it is a link to nothing");
        entry.link = link;
        if (entry.type == EntryType::hardlink) entry.link = TRY(normal_path(entry.link), "hard link to {}", link);
        return {};
    }

    static Result<void> convert_owner(archive_entry* raw, TarEntry& entry) {
        const auto valid = [](la_int64_t id) { return id >= 0 && id < la_int64_t{UINT32_MAX}; };
        const auto uid = archive_entry_uid(raw);
        const auto gid = archive_entry_gid(raw);
        if (!valid(uid) || !valid(gid)) return fail(Kind::invalid, "its owner {}:{} is out of range", uid, gid);
        entry.uid = static_cast<uid_t>(uid);
        entry.gid = static_cast<gid_t>(gid);
        return {};
    }

    static Result<TarEntry> convert(archive_entry* raw) {
        const char* name = archive_entry_pathname(raw);
        if (name == nullptr) return fail(Kind::corrupt, "tar archive: an entry has no readable name");
        TarEntry entry;
        entry.path = TRY(normal_path(name));
        entry.type = TRY(type_of(raw), "{}", name);
        entry.mode = archive_entry_perm(raw) & 07777;
        entry.size = static_cast<std::uint64_t>(std::max<la_int64_t>(archive_entry_size(raw), 0));
        entry.mtime = {.tv_sec = archive_entry_mtime(raw),
                       .tv_nsec = std::clamp<long>(archive_entry_mtime_nsec(raw), 0, 999'999'999)};
        TRY(convert_owner(raw, entry), "{}", name);
        if (entry.type == EntryType::symlink || entry.type == EntryType::hardlink)
            TRY(convert_link(raw, entry), "{}", name);
        entry.device = makedev(static_cast<unsigned>(archive_entry_rdevmajor(raw)),
                               static_cast<unsigned>(archive_entry_rdevminor(raw)));
        archive_entry_xattr_reset(raw);
        const char* key = nullptr;
        const void* value = nullptr;
        std::size_t size = 0;
        while (archive_entry_xattr_next(raw, &key, &value, &size) == ARCHIVE_OK) {
            entry.xattrs.emplace_back(key, std::string(static_cast<const char*>(value), size));
        }
        return entry;
    }

    Feed feed_;
    TarSink& sink_;
    const std::atomic<bool>* cancelled_;
    std::unique_ptr<archive, FreeArchive> reader_;
};

}  // namespace

Result<std::string> normal_path(std::string_view name) {
    std::string path;
    for (const auto part : split(name, '/')) {
        if (part.empty() || part == ".") continue;
        if (part == "..") return fail(Kind::invalid, "\"{}\" leads out of the image: refused", name);
        if (part.contains('\0')) return fail(Kind::invalid, "\"{}\" contains a NUL character: refused", name);
        if (!path.empty()) path += '/';
        path += part;
    }
    return path;
}

Result<void> read_tar(ByteSource& source, TarSink& sink, const std::atomic<bool>* cancelled) {
    const CLocale locale;
    return TarReader(source, sink, cancelled).run();
}

}  // namespace diatom::image
