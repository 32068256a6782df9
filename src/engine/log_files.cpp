#include "engine/log_files.h"

#include <fcntl.h>

#include <cerrno>
#include <vector>

#include "base/strings.h"
#include "image/byte_source.h"
#include "sys/file.h"
#include "sys/log.h"

namespace diatom::engine {
namespace {

constexpr std::size_t kBlock = 256U << 10U;

std::string directory_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

Result<void> copy_all(image::ByteSource& source, FdRef into) {
    std::vector<std::uint8_t> block(kBlock);
    for (;;) {
        const auto size = TRY(source.read(block));
        if (size == 0) return {};
        TRY(sys::write_all(into, {reinterpret_cast<const char*>(block.data()), size}));
    }
}

Result<void> unpack(FdRef compressed, FdRef into) {
    const auto source = TRY(image::decompress(image::file_source(compressed)));
    return copy_all(*source, into);
}

}  // namespace

std::string log_file(const std::string& path, std::uint64_t age) {
    return age == 0 ? path : path + "." + std::to_string(age);
}

Result<void> shift_log_files(const std::string& path, unsigned max_files) {
    const auto last = log_file(path, max_files - 1);
    TRY(sys::remove_file(last));
    if (max_files <= 1) return {};
    TRY(sys::remove_file(last + kCompressedSuffix));
    for (unsigned age = max_files - 1; age > 0; --age) {
        const auto from = log_file(path, age - 1), to = log_file(path, age);
        for (const char* suffix : {"", kCompressedSuffix}) {
            if (sys::exists(from + suffix)) TRY(sys::rename_path(from + suffix, to + suffix));
        }
    }
    return {};
}

Result<Fd> compress_log(FdRef plain, const std::string& directory) {
    Fd compressed = TRY(sys::open_path(directory, O_TMPFILE | O_WRONLY, 0640));
    const auto source = image::compress_gzip(image::file_source(plain));
    TRY(copy_all(*source, compressed));
    TRY(sys::sync_fd(compressed));  // the plain one goes as soon as this one has its name
    return compressed;
}

Result<void> install_compressed(FdRef compressed, const std::string& path, std::uint64_t age) {
    const auto plain = log_file(path, age);
    if (!sys::exists(plain)) return fail(Kind::not_found, "{} is gone", plain);
    TRY(sys::name_file(compressed, plain + kCompressedSuffix));
    return sys::remove_file(plain);
}

Result<LogCopies::File> LogCopies::open(const std::string& path) {
    auto plain = sys::open_path(path, O_RDONLY);
    if (plain) return std::make_shared<const Fd>(std::move(*plain));
    if (plain.error().kind() != Kind::not_found) return forward_error(std::move(plain));
    Fd compressed = TRY(sys::open_path(path + kCompressedSuffix, O_RDONLY));
    struct stat about{};
    if (::fstat(compressed.raw(), &about) < 0) return fail_errno(errno, "stat {}{}", path, kCompressedSuffix);
    if (const auto made = copies_.find(about.st_ino); made != copies_.end()) return made->second;
    wanted_ = Wanted{std::move(compressed), directory_of(path), about.st_ino};
    return fail(Kind::unavailable, "{}{} is not unpacked yet", path, kCompressedSuffix);
}

Result<void> LogCopies::make() {
    if (!wanted_) return {};
    const Wanted wanted = std::move(*wanted_);
    wanted_.reset();
    Fd copy = TRY(sys::open_path(wanted.directory, O_TMPFILE | O_RDWR, 0600));
    if (auto unpacked = unpack(wanted.compressed, copy); !unpacked) {
        if (unpacked.error().kind() != Kind::corrupt) return unpacked;
        // What can be read of it is shown: the rest of the log is not lost with it.
        log::warning("a compressed log is damaged",
                     {{"directory", wanted.directory}, {"error", unpacked.error().what()}});
    }
    copies_[wanted.inode] = std::make_shared<const Fd>(std::move(copy));
    return {};
}

void LogCopies::drop(const File& file) {
    std::erase_if(copies_, [&](const auto& made) { return made.second == file; });
}

}  // namespace diatom::engine
