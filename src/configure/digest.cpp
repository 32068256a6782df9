#include "configure/digest.h"

#include <openssl/evp.h>

#include <array>
#include <cstdint>

#include "base/strings.h"

namespace diatom::configure {

struct DigestCheck::State {
    using Context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;
    Context context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
    std::string wanted;  // "sha256:HEX"
};

namespace {

std::string hex_of(EVP_MD_CTX* context) {
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> sum;
    unsigned size = 0;
    EVP_DigestFinal_ex(context, sum.data(), &size);
    return to_hex(std::span(sum).first(size));
}

}  // namespace

std::string sha256_hex(std::string_view bytes) {
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> sum;
    unsigned size = 0;
    EVP_Digest(bytes.data(), bytes.size(), sum.data(), &size, EVP_sha256(), nullptr);
    return to_hex(std::span(sum).first(size));
}

DigestCheck::DigestCheck(std::unique_ptr<State> state) : state_(std::move(state)) {}
DigestCheck::~DigestCheck() = default;
DigestCheck::DigestCheck(DigestCheck&&) noexcept = default;
DigestCheck& DigestCheck::operator=(DigestCheck&&) noexcept = default;

Result<DigestCheck> DigestCheck::create(std::string_view digest) {
    const auto lower = to_lower(digest);
    const auto halves = cut(lower, ':');
    const bool is_long = halves && halves->first == "sha512";
    if (!halves || (!is_long && halves->first != "sha256") || halves->second.size() != (is_long ? 128U : 64U) ||
        halves->second.find_first_not_of("0123456789abcdef") != std::string_view::npos)
        return fail(Kind::invalid, "must be sha256:HEX or sha512:HEX");
    auto state = std::make_unique<State>();
    if (!state->context || EVP_DigestInit_ex(state->context.get(), is_long ? EVP_sha512() : EVP_sha256(), nullptr) != 1)
        return fail(Kind::bug, "{} cannot be computed", halves->first);
    state->wanted = lower;
    return DigestCheck(std::move(state));
}

void DigestCheck::add(std::string_view bytes) { EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()); }

Result<void> DigestCheck::finish() {
    const auto actual = state_->wanted.substr(0, 7) + hex_of(state_->context.get());
    if (actual == state_->wanted) return {};
    return fail(Kind::corrupt, "what was fetched is {}, not {}", actual, state_->wanted);
}

}  // namespace diatom::configure
