// Content by digest on disk: ROOT/blobs/ALGORITHM/HEX, with partial downloads in ROOT/ingest. Thread side: any; two
// writers of one blob exclude each other by the caller (the registry client fetches a blob once).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "image/store.h"

namespace diatom::image {

class Blobs {
public:
    explicit Blobs(std::string root) : root_(std::move(root)) {}
    Result<void> open();

    std::string path(const Digest& digest) const;
    std::string ingest() const { return root_ + "/ingest"; }
    bool has(const Digest& digest) const;
    Result<std::string> read(const Digest& digest, std::size_t limit) const;
    Result<std::unique_ptr<BlobWriter>> write(const Descriptor& descriptor) const;
    Result<void> put(const Digest& digest, std::string_view bytes) const;
    Result<void> remove(const Digest& digest) const;
    Result<std::vector<Digest>> list() const;

private:
    std::string root_;
};

}  // namespace diatom::image
