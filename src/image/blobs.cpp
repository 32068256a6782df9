#include "image/blobs.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "image/byte_source.h"
#include "sys/clock.h"
#include "sys/file.h"

namespace diatom::image {
namespace {

class FileBlobWriter final : public BlobWriter {
public:
    FileBlobWriter(Descriptor descriptor, std::string partial, std::string target, Fd file)
        : descriptor_(std::move(descriptor)),
          partial_(std::move(partial)),
          target_(std::move(target)),
          file_(std::move(file)),
          hasher_(descriptor_.digest.algorithm()) {}

    // What an interrupted download left counts after it was hashed again.
    Result<void> resume() {
        const auto source = file_source(file_);
        std::vector<std::uint8_t> piece(256U << 10U);
        for (;;) {
            const auto size = TRY(source->read(piece));
            if (size == 0) return {};
            hasher_.update(std::span<const std::uint8_t>(piece).first(size));
            offset_ += size;
            if (offset_ > descriptor_.size) return restart();
        }
    }

    std::uint64_t offset() const override { return offset_; }

    Result<void> write(std::string_view bytes) override {
        if (offset_ + bytes.size() > descriptor_.size) {
            return fail(Kind::corrupt, "{} is longer than the {} bytes that its manifest says",
                        descriptor_.digest.text(), descriptor_.size);
        }
        auto stored = sys::write_all(file_, bytes);
        // A full disk needs the space more than the next attempt needs these bytes.
        if (!stored && stored.error().kind() == Kind::exhausted) TRY(sys::remove_file(partial_));
        TRY(std::move(stored), "store {}", descriptor_.digest.text());
        hasher_.update(bytes);
        offset_ += bytes.size();
        return {};
    }

    Result<void> restart() override {
        if (::ftruncate(file_.raw(), 0) != 0 || ::lseek(file_.raw(), 0, SEEK_SET) != 0)
            return fail_errno(errno, "begin {} again", descriptor_.digest.text());
        hasher_ = Hasher(descriptor_.digest.algorithm());
        offset_ = 0;
        return {};
    }

    Result<void> commit() override {
        const auto digest = hasher_.finish();
        if (offset_ != descriptor_.size || digest != descriptor_.digest) {
            TRY(sys::remove_file(partial_));
            return fail(Kind::corrupt,
                        "filesystem layer verification failed for digest {}: got {} bytes with digest {}",
                        descriptor_.digest.text(), offset_, digest.text());
        }
        TRY(sys::sync_fd(file_), "store {}", descriptor_.digest.text());
        TRY(sys::rename_path(partial_, target_));
        return sys::sync_dir(target_.substr(0, target_.rfind('/')));
    }

private:
    Descriptor descriptor_;
    std::string partial_, target_;
    Fd file_;
    Hasher hasher_;
    std::uint64_t offset_ = 0;
};

constexpr std::string_view kPartial = ".part";

// Opens and locks a partial download; `flags` may create it. One that the sweep removed in between is opened again.
Result<Fd> open_partial(const std::string& path, int flags) {
    for (;;) {
        auto file = TRY(sys::open_path(path, flags, 0600));
        if (::flock(file.raw(), LOCK_EX | LOCK_NB) != 0) {
            if (errno == EWOULDBLOCK) return fail(Kind::conflict, "{} is being written already", path);
            return fail_errno(errno, "lock {}", path);
        }
        struct stat about{};
        if (::fstat(file.raw(), &about) != 0) return fail_errno(errno, "look at {}", path);
        if (about.st_nlink > 0) return file;
    }
}

Result<void> sweep_partial(const std::string& path, std::int64_t oldest) {
    const auto file = open_partial(path, O_RDWR);
    if (!file) {
        const auto kind = file.error().kind();
        return kind == Kind::conflict || kind == Kind::not_found ? Result<void>{} : Failure(file.error());
    }
    struct stat about{};
    if (::fstat(file->raw(), &about) != 0) return fail_errno(errno, "look at {}", path);
    return about.st_mtim.tv_sec < oldest ? sys::remove_file(path) : Result<void>{};
}

}  // namespace

Result<void> Blobs::open() {
    for (const auto* algorithm : {"sha256", "sha512"}) TRY(sys::make_dirs(root_ + "/blobs/" + algorithm, 0700));
    return sys::make_dirs(ingest(), 0700);
}

std::string Blobs::path(const Digest& digest) const {
    return std::format("{}/blobs/{}/{}", root_, digest.algorithm(), digest.hex());
}

bool Blobs::has(const Digest& digest) const { return sys::exists(path(digest)); }

Result<std::string> Blobs::read(const Digest& digest, std::size_t limit) const {
    return sys::read_file(path(digest), limit);
}

Result<std::unique_ptr<BlobWriter>> Blobs::write(const Descriptor& descriptor) const {
    auto partial =
        std::format("{}/{}-{}{}", ingest(), descriptor.digest.algorithm(), descriptor.digest.hex(), kPartial);
    auto file = TRY(open_partial(partial, O_RDWR | O_CREAT));
    auto writer =
        std::make_unique<FileBlobWriter>(descriptor, std::move(partial), path(descriptor.digest), std::move(file));
    TRY(writer->resume());
    return writer;
}

Result<void> Blobs::put(const Digest& digest, std::string_view bytes) const {
    if (has(digest)) return {};
    Hasher hasher(digest.algorithm());
    hasher.update(bytes);
    const auto found = hasher.finish();
    if (found != digest) return fail(Kind::corrupt, "{}: the bytes have digest {}", digest.text(), found.text());
    return sys::write_file_atomic(path(digest), bytes, 0600);
}

Result<void> Blobs::remove(const Digest& digest) const { return sys::remove_file(path(digest)); }

Result<void> Blobs::sweep_partials() const {
    const auto oldest = sys::wall_ns() / 1'000'000'000 - std::chrono::seconds(kPartialLife).count();
    for (const auto& name : TRY(sys::list_dir(ingest()))) {
        if (name.ends_with(kPartial)) TRY(sweep_partial(ingest() + "/" + name, oldest), "sweep partial downloads");
    }
    return {};
}

Result<std::vector<Digest>> Blobs::list() const {
    std::vector<Digest> digests;
    for (const std::string algorithm : {"sha256", "sha512"}) {
        for (const auto& name : TRY(sys::list_dir(root_ + "/blobs/" + algorithm))) {
            if (auto digest = Digest::parse(algorithm + ":" + name)) digests.push_back(std::move(*digest));
        }
    }
    return digests;
}

}  // namespace diatom::image
