#include "image/digest.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <new>

#include "base/strings.h"

namespace diatom::image {
namespace {

struct Algorithm {
    std::string_view name;
    std::size_t hex_length;
    const EVP_MD* (*md)();
};
constexpr std::array kAlgorithms{Algorithm{"sha256", 64, EVP_sha256}, Algorithm{"sha512", 128, EVP_sha512}};

const Algorithm* find_algorithm(std::string_view name) noexcept {
    const auto* found = std::ranges::find(kAlgorithms, name, &Algorithm::name);
    return found == kAlgorithms.end() ? nullptr : found;
}

bool is_lower_hex(std::string_view text) noexcept {
    return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

struct FreeContext {
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

}  // namespace

Result<Digest> Digest::parse(std::string_view text) {
    const auto halves = cut(text, ':');
    if (!halves) return fail(Kind::invalid, "invalid digest \"{}\": want ALGORITHM:HEX", text);
    const auto* algorithm = find_algorithm(halves->first);
    if (algorithm == nullptr) {
        return fail(Kind::unsupported, "digest \"{}\": only sha256 and sha512 are supported", text);
    }
    if (halves->second.size() != algorithm->hex_length || !is_lower_hex(halves->second)) {
        return fail(Kind::invalid, "invalid digest \"{}\": want {} lower-case hexadecimal digits", text,
                    algorithm->hex_length);
    }
    return Digest(std::string(text));
}

Digest Digest::of(std::string_view bytes) {
    Hasher hasher;
    hasher.update(bytes);
    return hasher.finish();
}

std::string_view Digest::algorithm() const noexcept {
    return std::string_view(text_).substr(0, std::min(text_.find(':'), text_.size()));
}

std::string_view Digest::hex() const noexcept {
    const auto colon = text_.find(':');
    return colon == std::string::npos ? std::string_view() : std::string_view(text_).substr(colon + 1);
}

struct Hasher::State {
    const Algorithm* algorithm;
    std::unique_ptr<EVP_MD_CTX, FreeContext> context;
};

Hasher::Hasher(std::string_view algorithm) : state_(std::make_unique<State>()) {
    const auto* known = find_algorithm(algorithm);
    // A parsed Digest names only algorithms of the table; an empty one hashes as sha256.
    state_->algorithm = known != nullptr ? known : kAlgorithms.data();
    state_->context.reset(EVP_MD_CTX_new());
    if (!state_->context || EVP_DigestInit_ex(state_->context.get(), state_->algorithm->md(), nullptr) != 1) {
        throw std::bad_alloc();
    }
}

Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

void Hasher::update(std::span<const std::uint8_t> bytes) {
    EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size());
}

void Hasher::update(std::string_view bytes) { EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()); }

Digest Hasher::finish() {
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> value{};
    unsigned length = 0;
    EVP_DigestFinal_ex(state_->context.get(), value.data(), &length);
    const auto hex = to_hex(std::span(value).first(length));
    return *Digest::parse(std::string(state_->algorithm->name) + ":" + hex);
}

}  // namespace diatom::image
