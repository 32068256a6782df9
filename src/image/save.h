// Images as one archive that is a docker archive and an OCI layout at once, as `docker save` of Docker 25 and later
// writes it: manifest.json, index.json, oci-layout, blobs/sha256/… Layers are plain tars; each blob stands there once.
// Thread side: a worker.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "image/store.h"

namespace diatom::image {

struct SavedImage {
    ImageRecord image;
    std::vector<std::string> tags;  // full references under which it is saved; none when it was asked for by its id
};

// What is meant by what a user names: an id, a tag, or a repository (all of its tags). not_found names the first miss.
Result<std::vector<SavedImage>> choose_images(Store& store, const std::vector<std::string>& names);

// The archive, made as it is read. A layer that is missing or has no recipe fails here, one that is damaged when it is
// read. The store outlives the source.
Result<std::unique_ptr<ByteSource>> save_archive(Store& store, const std::vector<SavedImage>& images);

}  // namespace diatom::image
