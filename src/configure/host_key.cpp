#include "configure/host_key.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <format>
#include <memory>

#include "base/strings.h"

namespace diatom::configure {
namespace {

constexpr std::string_view kBegin = "-----BEGIN OPENSSH PRIVATE KEY-----", kEnd = "-----END OPENSSH PRIVATE KEY-----";
constexpr std::string_view kMagic{"openssh-key-v1\0", 15};
constexpr std::size_t kMaxText = 64U << 10U, kSeed = 32;
constexpr int kLeastRsaBits = 1024;  // the server loads no shorter one
constexpr std::string_view kPassphrase =
    "it has a passphrase, and nobody is there to type it: take it off (ssh-keygen -p)";

struct Curve {
    std::string_view name, openssl;
};
constexpr std::array kCurves{Curve{"nistp256", "prime256v1"}, Curve{"nistp384", "secp384r1"},
                             Curve{"nistp521", "secp521r1"}};

std::string number(std::uint32_t value) {
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> static_cast<unsigned>(shift));
    return bytes;
}

// RFC 4251 section 5.
std::string string(std::string_view bytes) {
    return number(static_cast<std::uint32_t>(bytes.size())) + std::string(bytes);
}

std::string positive(std::string_view bytes) {
    while (!bytes.empty() && bytes.front() == '\0') bytes.remove_prefix(1);
    const bool high = !bytes.empty() && (static_cast<unsigned char>(bytes.front()) & 0x80U) != 0;
    return string((high ? std::string(1, '\0') : std::string()) + std::string(bytes));
}

// What RFC 4251 makes of texts and numbers, read from the front.
class Wire {
public:
    explicit Wire(std::string_view bytes) : rest_(bytes) {}

    Result<std::uint32_t> number() {
        const auto bytes = TRY(take(4));
        std::uint32_t value = 0;
        for (const char byte : bytes) value = value << 8U | static_cast<unsigned char>(byte);
        return value;
    }
    Result<std::string_view> string() { return take(TRY(number())); }
    std::string_view rest() const noexcept { return rest_; }

private:
    Result<std::string_view> take(std::size_t size) {
        if (size > rest_.size()) return fail(Kind::invalid, "the key is cut off");
        const auto taken = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return taken;
    }
    std::string_view rest_;
};

HostKey made(std::string_view kind, std::string_view type, const std::string& shown, const std::string& hidden) {
    return {std::string(kind), shown + hidden, std::format("{} {}", type, encode_base64(shown))};
}

Result<HostKey> rsa_key(std::string_view n, std::string_view e, std::string_view d, std::string_view p,
                        std::string_view q) {
    while (!n.empty() && n.front() == '\0') n.remove_prefix(1);
    const auto bits =
        n.size() * 8 -
        (n.empty() ? 0 : static_cast<std::size_t>(std::countl_zero(static_cast<unsigned char>(n.front()))));
    if (n.empty() || bits < kLeastRsaBits)
        return fail(Kind::invalid, "an RSA key of {} bits is not used: it has {} at least", n.empty() ? 0 : bits,
                    kLeastRsaBits);
    return made("rsa", "ssh-rsa", string("ssh-rsa") + positive(e) + positive(n),
                positive(d) + positive(p) + positive(q));
}

Result<HostKey> ecdsa_key(std::string_view curve, std::string_view point, std::string_view secret) {
    if (!std::ranges::contains(kCurves, curve, &Curve::name))
        return fail(Kind::unsupported, "its curve is not P-256, P-384 or P-521");
    if (point.empty() || point.front() != '\4' || secret.empty())
        return fail(Kind::invalid, "it is no point of a curve in its long form");
    const auto type = std::format("ecdsa-sha2-{}", curve);
    return made("ecdsa", type, string(type) + string(curve) + string(point), positive(secret));
}

// `both`: the seed and the public key behind it.
Result<HostKey> ed25519_key(std::string_view both) {
    if (both.size() != 2 * kSeed) return fail(Kind::invalid, "an Ed25519 key has {} bytes", 2 * kSeed);
    auto key = made("ed25519", "ssh-ed25519", string("ssh-ed25519") + string(both.substr(kSeed)), {});
    key.bytes = string("ssh-ed25519") + string(both);
    return key;
}

Result<HostKey> read_private_part(std::string_view part) {
    Wire wire(part);
    if (TRY(wire.number()) != TRY(wire.number())) return fail(Kind::invalid, "it is damaged");
    const auto type = TRY(wire.string());
    if (type == "ssh-ed25519") {
        const auto shown = TRY(wire.string()), both = TRY(wire.string());
        if (both.size() != 2 * kSeed || both.substr(kSeed) != shown)
            return fail(Kind::invalid, "its public half is another key's");
        return ed25519_key(both);
    }
    if (type == "ssh-rsa") {
        const auto n = TRY(wire.string()), e = TRY(wire.string()), d = TRY(wire.string());
        TRY(wire.string());
        const auto p = TRY(wire.string()), q = TRY(wire.string());
        return rsa_key(n, e, d, p, q);
    }
    if (type.starts_with("ecdsa-sha2-")) {
        const auto curve = TRY(wire.string()), point = TRY(wire.string()), secret = TRY(wire.string());
        return ecdsa_key(curve, point, secret);
    }
    return fail(Kind::unsupported, "it is no key of the kind ed25519, rsa or ecdsa");
}

Result<HostKey> read_openssh(std::string_view text) {
    const auto begin = text.find(kBegin) + kBegin.size();
    const auto end = text.find(kEnd, begin);
    if (end == std::string_view::npos) return fail(Kind::invalid, "the key is cut off");
    std::string digits(text.substr(begin, end - begin));
    std::erase_if(digits, [](char c) { return c == '\n' || c == '\r' || c == ' ' || c == '\t'; });
    const auto bytes = decode_base64(digits);
    if (!bytes || !bytes->starts_with(kMagic)) return fail(Kind::invalid, "it is no key in OpenSSH's form");
    Wire wire(std::string_view(*bytes).substr(kMagic.size()));
    const auto cipher = TRY(wire.string());
    TRY(wire.string());
    TRY(wire.string());
    if (cipher != "none") return fail(Kind::unsupported, "{}", kPassphrase);
    if (TRY(wire.number()) != 1) return fail(Kind::unsupported, "it has more than one key");
    const auto shown = TRY(wire.string());
    auto key = TRY(read_private_part(TRY(wire.string())));
    if (!key.public_key.ends_with(" " + encode_base64(shown)))
        return fail(Kind::invalid, "its public half is another key's");
    return key;
}

template <auto Free>
struct Freed {
    template <class T>
    void operator()(T* p) const noexcept {
        Free(p);
    }
};
using Bio = std::unique_ptr<BIO, Freed<::BIO_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<::EVP_PKEY_free>>;
using Big = std::unique_ptr<BIGNUM, Freed<::BN_clear_free>>;

// Nobody is there to be asked: OpenSSL would ask on the terminal.
int no_passphrase(char*, int, int, void* asked) {
    *static_cast<bool*>(asked) = true;
    return -1;
}

Result<std::string> big_of(EVP_PKEY* key, const char* name) {
    BIGNUM* raw = nullptr;
    if (::EVP_PKEY_get_bn_param(key, name, &raw) != 1) return fail(Kind::invalid, "a number of it is missing");
    const Big big(raw);
    std::string bytes(static_cast<std::size_t>(BN_num_bytes(big.get())), '\0');
    ::BN_bn2bin(big.get(), reinterpret_cast<unsigned char*>(bytes.data()));
    return bytes;
}

Result<HostKey> rsa_of(EVP_PKEY* key) {
    const auto n = TRY(big_of(key, OSSL_PKEY_PARAM_RSA_N)), e = TRY(big_of(key, OSSL_PKEY_PARAM_RSA_E));
    const auto d = TRY(big_of(key, OSSL_PKEY_PARAM_RSA_D)), p = TRY(big_of(key, OSSL_PKEY_PARAM_RSA_FACTOR1));
    return rsa_key(n, e, d, p, TRY(big_of(key, OSSL_PKEY_PARAM_RSA_FACTOR2)));
}

Result<HostKey> ecdsa_of(EVP_PKEY* key) {
    std::array<char, 64> group{};
    std::array<unsigned char, 256> point{};
    std::size_t size = 0;
    if (::EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) != 1)
        return fail(Kind::unsupported, "its curve has no name");
    const auto curve = std::ranges::find(kCurves, std::string_view(group.data(), size), &Curve::openssl);
    if (curve == kCurves.end()) return fail(Kind::unsupported, "its curve is not P-256, P-384 or P-521");
    if (::EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size(), &size) != 1)
        return fail(Kind::invalid, "its public half is missing");
    return ecdsa_key(curve->name, {reinterpret_cast<char*>(point.data()), size},
                     TRY(big_of(key, OSSL_PKEY_PARAM_PRIV_KEY)));
}

Result<HostKey> ed25519_of(EVP_PKEY* key) {
    std::string both(2 * kSeed, '\0');
    auto* bytes = reinterpret_cast<unsigned char*>(both.data());
    std::size_t size = kSeed, shown = kSeed;
    if (::EVP_PKEY_get_raw_private_key(key, bytes, &size) != 1 || size != kSeed ||
        ::EVP_PKEY_get_raw_public_key(key, bytes + kSeed, &shown) != 1 || shown != kSeed)
        return fail(Kind::invalid, "it is damaged");
    return ed25519_key(both);
}

Result<HostKey> read_pem(const std::string& text) {
    bool asked = false;
    const Bio bio(::BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    const Key key(::PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, &asked));
    ::ERR_clear_error();
    if (asked) return fail(Kind::unsupported, "{}", kPassphrase);
    if (!key) return fail(Kind::invalid, "it is no private key in the form of OpenSSH or PEM, or is damaged");
    if (EVP_PKEY_is_a(key.get(), "RSA") == 1) return rsa_of(key.get());
    if (EVP_PKEY_is_a(key.get(), "EC") == 1) return ecdsa_of(key.get());
    if (EVP_PKEY_is_a(key.get(), "ED25519") == 1) return ed25519_of(key.get());
    return fail(Kind::unsupported, "it is no key of the kind ed25519, rsa or ecdsa");
}

}  // namespace

Result<HostKey> read_host_key(std::string_view text) {
    if (text.size() > kMaxText) return fail(Kind::invalid, "it is longer than a key");
    if (text.contains(kBegin)) return read_openssh(text);
    return read_pem(std::string(text));
}

bool is_public_half(const HostKey& key, std::string_view line) {
    const auto words = split_words(line);
    return words.size() >= 2 && std::format("{} {}", words[0], words[1]) == key.public_key;
}

}  // namespace diatom::configure
