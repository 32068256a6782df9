// Content by digest on disk: ROOT/blobs/ALGORITHM/HEX, with partial downloads in ROOT/ingest/ALGORITHM-HEX.part.
// A writer holds a lock (flock(2)) on its partial download: a second one of the same blob is refused (the registry
// client fetches a blob once), and the sweep leaves it alone. Thread side: any.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "image/store.h"

namespace diatom::image {

class Blobs {
public:
    static constexpr std::chrono::hours kPartialLife{24};
    explicit Blobs(std::string root) : root_(std::move(root)) {}
    Result<void> open();

    std::string path(const Digest& digest) const;
    std::string ingest() const { return root_ + "/ingest"; }
    bool has(const Digest& digest) const;
    Result<std::string> read(const Digest& digest, std::size_t limit) const;
    Result<std::unique_ptr<BlobWriter>> write(const Descriptor& descriptor) const;
    Result<void> put(const Digest& digest, std::string_view bytes) const;
    Result<void> remove(const Digest& digest) const;
    // Removes partial downloads that nobody writes and that got no byte for kPartialLife.
    Result<void> sweep_partials() const;
    Result<std::vector<Digest>> list() const;

private:
    std::string root_;
};

}  // namespace diatom::image
