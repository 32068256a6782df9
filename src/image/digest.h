// Content digests. Source: OCI image-spec 1.1, descriptor.md "Digests". Only sha256 and sha512 are registered; we
// verify both. Thread side: any.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace diatom::image {

// "sha256:<64 lowercase hex digits>", validated once at the edge.
class Digest {
public:
    Digest() = default;  // empty: no digest
    static Result<Digest> parse(std::string_view text);
    static Digest of(std::string_view bytes);  // sha256

    const std::string& text() const noexcept { return text_; }
    std::string_view algorithm() const noexcept;
    std::string_view hex() const noexcept;
    bool empty() const noexcept { return text_.empty(); }
    friend auto operator<=>(const Digest&, const Digest&) = default;

private:
    explicit Digest(std::string text) : text_(std::move(text)) {}
    std::string text_;
};

// Incremental hash.
class Hasher {
public:
    explicit Hasher(std::string_view algorithm = "sha256");
    Hasher(Hasher&&) noexcept;
    Hasher& operator=(Hasher&&) noexcept;
    ~Hasher();
    void update(std::span<const std::uint8_t> bytes);
    void update(std::string_view bytes);
    Digest finish();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace diatom::image
