#include "journal/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "sys/file.h"
#include "sys/retry.h"

namespace diatom::journal {
namespace {

constexpr std::size_t kBlock = 16U << 10U;
constexpr std::size_t kMaxPending = 256U << 10U;  // of a line: what is longer is taken in pieces
constexpr std::size_t kFirstLine = 4096;          // bytes of it that count
constexpr int kMaxAge = 9;

// FNV-1a of the first line; nothing while it is not whole. Logs begin their lines with the time in nanoseconds.
std::optional<std::uint64_t> identity_of(FdRef file) {
    std::array<char, kFirstLine> block;
    const ssize_t got = sys::retry_interrupted([&] { return ::pread(file.raw(), block.data(), block.size(), 0); });
    const std::string_view head(block.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    const auto end = head.find('\n');
    if (end == std::string_view::npos && head.size() < kFirstLine) return std::nullopt;
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : head.substr(0, end)) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    return hash;
}

std::string aged(const std::string& path, int age) { return age == 0 ? path : path + "." + std::to_string(age); }

// Whether the path now names another file than the open one.
bool was_rotated(const std::string& path, FdRef file) {
    struct stat open_file{}, named{};
    if (::fstat(file.raw(), &open_file) < 0 || ::stat(path.c_str(), &named) < 0) return false;
    return open_file.st_ino != named.st_ino || open_file.st_dev != named.st_dev;
}

std::optional<std::uint64_t> identity_at(const std::string& path) {
    const auto file = sys::open_path(path, O_RDONLY);
    return file ? identity_of(*file) : std::nullopt;
}

}  // namespace

bool LogFile::open(const std::string& path) {
    auto file = sys::open_path(path, O_RDONLY);
    const auto identity = file ? identity_of(*file) : std::nullopt;
    if (!identity) return false;
    file_ = std::move(*file);
    at_ = {.identity = *identity, .offset = 0};
    pending_.clear();
    return true;
}

// Where it was left, or the oldest.
bool LogFile::open_first() {
    int oldest = 0;
    for (int age = 0; age <= kMaxAge; ++age) {
        const auto identity = identity_at(aged(path_, age));
        if (!identity && age > 0) break;
        if (identity) oldest = age;
        if (!identity || !from_ || *identity != from_->identity || !open(aged(path_, age))) continue;
        at_.offset = from_->offset;
        from_.reset();
        return true;
    }
    from_.reset();
    return open(aged(path_, oldest));
}

// The one that was begun after the open one.
bool LogFile::open_next() {
    int age = 0;
    while (age <= kMaxAge && identity_at(aged(path_, age)) != at_.identity) ++age;
    finished_.insert(at_.identity);
    // One that is not found any more was rotated away: what is left is newer, but for what has been read.
    if (age > kMaxAge) {
        for (age = kMaxAge; age > 0; --age) {
            const auto identity = identity_at(aged(path_, age - 1));
            if (identity && !finished_.contains(*identity)) break;
        }
    }
    return age > 0 && open(aged(path_, age - 1));
}

std::size_t LogFile::take_lines(bool all, const Line& line) {
    std::size_t begin = 0;
    while (begin < pending_.size()) {
        auto end = pending_.find('\n', begin);
        const bool whole = end != std::string::npos;
        if (!whole && !all && pending_.size() - begin < kMaxPending) break;
        end = std::min(end, pending_.size());
        const auto behind = std::min(end + 1, pending_.size());
        if (end > begin)
            line(std::string_view(pending_).substr(begin, end - begin), {at_.identity, at_.offset + behind});
        begin = behind;
    }
    pending_.erase(0, begin);
    at_.offset += begin;
    return begin;
}

bool LogFile::read(std::size_t budget, const Line& line) {
    if (!file_ && !open_first()) return false;
    std::size_t taken = 0;
    std::array<char, kBlock> block;
    while (taken < budget) {
        const auto offset = at_.offset + pending_.size();
        // Seen before the end is: what is written until then is read, for nobody writes to a file that was rotated out.
        const bool rotated = was_rotated(path_, file_);
        const ssize_t got = sys::retry_interrupted(
            [&] { return ::pread(file_.raw(), block.data(), block.size(), static_cast<off_t>(offset)); });
        if (got > 0) {
            pending_.append(block.data(), static_cast<std::size_t>(got));
            taken += take_lines(false, line);
            continue;
        }
        if (!rotated) return false;
        take_lines(true, line);
        if (!open_next()) return false;
    }
    return true;
}

}  // namespace diatom::journal
