// Image references as Docker writes them. Source: distribution/reference grammar (docs), normalised names.
// Thread side: any.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "image/digest.h"

namespace diatom::image {

// "nginx" -> docker.io/library/nginx:latest. Upper-case repositories, empty parts and over-long names are refused.
struct Reference {
    std::string domain;      // "docker.io", "localhost:5000", "10.0.2.2:5000", "[::1]:5000"
    std::string repository;  // "library/nginx"
    std::string tag;         // "latest" unless a digest is given
    Digest digest;           // empty unless @sha256:…

    static Result<Reference> parse(std::string_view text);
    std::string full() const;      // "docker.io/library/nginx:latest"
    std::string familiar() const;  // "nginx:latest", as Docker lists it
    std::string familiar_repository() const;
    friend bool operator==(const Reference&, const Reference&) = default;
};

// Whether an image may be given the name: not one that pins a digest, nor one that reads like a digest.
Result<void> check_taggable(const Reference& reference);

}  // namespace diatom::image
