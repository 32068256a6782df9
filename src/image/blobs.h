// Content by digest on disk: ROOT/blobs/ALGORITHM/HEX, with partial downloads in ROOT/ingest (incoming_blob.h).
// Whoever has a partial download open has it alone: a second one of the same blob is refused (the registry client
// fetches a blob once), and the sweep leaves it alone. Thread side: any.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "image/incoming_blob.h"

namespace diatom::image {

class Blobs {
public:
    explicit Blobs(std::string root) : root_(std::move(root)) {}
    Result<void> open();

    std::string path(const Digest& digest) const;
    std::string ingest() const { return root_ + "/ingest"; }
    bool has(const Digest& digest) const;
    Result<std::string> read(const Digest& digest, std::size_t limit) const;
    Result<std::shared_ptr<IncomingBlob>> receive(const Descriptor& descriptor) const;
    Result<void> put(const Digest& digest, std::string_view bytes) const;
    Result<void> remove(const Digest& digest) const;
    // Removes partial downloads that nobody has open and that got no byte since `oldest`, seconds since 1970.
    Result<void> sweep_partials(std::int64_t oldest) const;
    Result<std::vector<Digest>> list() const;

private:
    std::string root_;
};

}  // namespace diatom::image
