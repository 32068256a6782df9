#include "image/blobs.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "sys/file.h"

namespace diatom::image {
namespace {

constexpr std::string_view kPartial = ".part";

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

Result<std::shared_ptr<IncomingBlob>> Blobs::receive(const Descriptor& descriptor) const {
    auto partial =
        std::format("{}/{}-{}{}", ingest(), descriptor.digest.algorithm(), descriptor.digest.hex(), kPartial);
    return IncomingBlob::open(descriptor, std::move(partial), path(descriptor.digest));
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

Result<void> Blobs::sweep_partials(std::int64_t oldest) const {
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
