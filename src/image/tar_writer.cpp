#include "image/tar_writer.h"

#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <format>

namespace diatom::image {
namespace {

constexpr std::size_t kBlock = 512;

// One ustar header block.
class Header {
public:
    Header() { std::memcpy(bytes_.data() + 257, "ustar\00000", 8); }

    void text(std::size_t at, std::size_t width, std::string_view value) {
        std::memcpy(bytes_.data() + at, value.data(), std::min(width, value.size()));
    }
    // Leading zeros and a NUL behind. What is too large was given to an extended header, and stands here as zero.
    void octal(std::size_t at, std::size_t width, std::uint64_t value) {
        auto digits = std::format("{:0{}o}", value, width - 1);
        if (digits.size() > width - 1) digits.assign(width - 1, '0');
        text(at, width - 1, digits);
    }
    std::string_view finish(char type) {
        bytes_[156] = type;
        std::memset(bytes_.data() + 148, ' ', 8);
        unsigned sum = 0;
        for (const char c : bytes_) sum += static_cast<unsigned char>(c);
        octal(148, 7, sum);
        bytes_[154] = '\0';
        return {bytes_.data(), bytes_.size()};
    }

private:
    std::array<char, kBlock> bytes_{};
};

std::string padding(std::uint64_t size) { return std::string((kBlock - size % kBlock) % kBlock, '\0'); }

char type_flag(EntryType type) {
    switch (type) {
        case EntryType::file: return '0';
        case EntryType::hardlink: return '1';
        case EntryType::symlink: return '2';
        case EntryType::character_device: return '3';
        case EntryType::block_device: return '4';
        case EntryType::directory: return '5';
        case EntryType::fifo: return '6';
    }
    return '0';
}

bool fits_octal(std::uint64_t value, unsigned digits) { return value < (std::uint64_t{1} << (3 * digits)); }
bool is_ascii(std::string_view text) {
    for (const char c : text) {
        if (static_cast<unsigned char>(c) >= 0x80) return false;
    }
    return true;
}

// "LENGTH KEY=VALUE\n", where LENGTH counts itself.
std::string pax_record(std::string_view key, std::string_view value) {
    const auto rest = key.size() + value.size() + 3;
    auto length = rest;
    while (std::to_string(length).size() + rest != length) length = std::to_string(length).size() + rest;
    return std::format("{} {}={}\n", length, key, value);
}

std::string pax_records(const TarEntry& entry, std::string_view path) {
    std::string records;
    if (path.size() > 100 || !is_ascii(path)) records += pax_record("path", path);
    if (entry.link.size() > 100 || !is_ascii(entry.link)) records += pax_record("linkpath", entry.link);
    if (!fits_octal(entry.size, 11)) records += pax_record("size", std::to_string(entry.size));
    if (!fits_octal(entry.uid, 7)) records += pax_record("uid", std::to_string(entry.uid));
    if (!fits_octal(entry.gid, 7)) records += pax_record("gid", std::to_string(entry.gid));
    const auto mtime = entry.mtime.tv_sec;
    if (mtime < 0 || !fits_octal(static_cast<std::uint64_t>(mtime), 11))
        records += pax_record("mtime", std::to_string(mtime));
    for (const auto& [key, value] : entry.xattrs) records += pax_record("SCHILY.xattr." + key, value);
    return records;
}

std::string_view last_bytes(std::string_view text, std::size_t most) {
    return text.substr(text.size() - std::min(text.size(), most));
}

}  // namespace

Result<void> TarWriter::begin(const TarEntry& entry) {
    auto path = entry.path.empty() ? std::string(".") : entry.path;
    if (entry.type == EntryType::directory && !path.ends_with('/')) path += '/';
    const bool file = entry.type == EntryType::file;
    const auto time = static_cast<std::uint64_t>(std::max<std::int64_t>(entry.mtime.tv_sec, 0));
    if (const auto records = pax_records(entry, path); !records.empty()) {
        Header header;
        header.text(0, 100, std::format("PaxHeaders/{}", last_bytes(path, 80)));
        header.octal(100, 8, 0644);
        header.octal(108, 8, 0);
        header.octal(116, 8, 0);
        header.octal(124, 12, records.size());
        header.octal(136, 12, time);
        TRY(sink_.write(header.finish('x')));
        TRY(sink_.write(records + padding(records.size())));
    }
    Header header;
    header.text(0, 100, path);
    header.octal(100, 8, entry.mode & 07777U);
    header.octal(108, 8, entry.uid);
    header.octal(116, 8, entry.gid);
    header.octal(124, 12, file ? entry.size : 0);
    header.octal(136, 12, time);
    header.text(157, 100, entry.link);
    header.octal(329, 8, major(entry.device));
    header.octal(337, 8, minor(entry.device));
    promised_ = file ? entry.size : 0;
    written_ = 0;
    return sink_.write(header.finish(type_flag(entry.type)));
}

Result<void> TarWriter::data(std::string_view bytes) {
    if (bytes.size() > promised_ - written_) return fail(Kind::bug, "more bytes than the archive's header promises");
    written_ += bytes.size();
    return sink_.write(bytes);
}

Result<void> TarWriter::end_file() {
    if (written_ != promised_)
        return fail(Kind::bug, "{} bytes where the archive's header promises {}", written_, promised_);
    return sink_.write(padding(written_));
}

Result<void> TarWriter::file(const std::string& path, std::string_view bytes, std::int64_t mtime_s) {
    TRY(begin({.path = path, .mode = 0644, .mtime = {.tv_sec = mtime_s, .tv_nsec = 0}, .size = bytes.size()}));
    TRY(data(bytes));
    return end_file();
}

Result<void> TarWriter::directory(const std::string& path, std::int64_t mtime_s) {
    return begin(
        {.path = path, .type = EntryType::directory, .mode = 0755, .mtime = {.tv_sec = mtime_s, .tv_nsec = 0}});
}

Result<void> TarWriter::finish() { return sink_.write(std::string(2 * kBlock, '\0')); }

Result<std::size_t> TarSource::read(std::span<std::uint8_t> buffer) {
    while (taken_ == buffer_.text.size()) {
        if (ended_ || buffer.empty()) return std::size_t{0};
        buffer_.text.clear();
        taken_ = 0;
        if (TRY(step(tar_))) continue;
        TRY(tar_.finish());
        ended_ = true;
    }
    const auto size = std::min(buffer.size(), buffer_.text.size() - taken_);
    std::memcpy(buffer.data(), buffer_.text.data() + taken_, size);
    taken_ += size;
    return size;
}

}  // namespace diatom::image
