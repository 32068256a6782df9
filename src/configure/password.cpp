#include "configure/password.h"

#include <openssl/evp.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>

namespace diatom::configure {
namespace {

constexpr std::string_view kDigits = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::size_t kSize = 64, kSalt = 16, kMaxPassword = 511;
constexpr int kRounds = 5000;

std::string sha512(const std::string& bytes) {
    std::string sum(kSize, '\0');
    EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(sum.data()), nullptr, EVP_sha512(),
               nullptr);
    return sum;
}

// As often as it takes, and a part of it.
std::string filled(const std::string& from, std::size_t size) {
    std::string text;
    while (text.size() < size) text += from.substr(0, size - text.size());
    return text;
}

std::string repeated(std::string_view text, std::size_t times) {
    std::string all;
    for (std::size_t i = 0; i < times; ++i) all += text;
    return all;
}

void append_digits(std::string& text, std::uint32_t bits, int count) {
    for (; count > 0; --count, bits >>= 6U) text += kDigits[bits & 0x3FU];
}

// Three bytes to four digits, in the specification's order, which turns with each group.
std::string in_digits(const std::string& sum) {
    const auto byte = [&](unsigned i) { return std::uint32_t{static_cast<unsigned char>(sum[i])}; };
    std::string text;
    unsigned a = 0, b = 21, c = 42;
    for (int group = 0; group < 21; ++group) {
        append_digits(text, byte(a) << 16U | byte(b) << 8U | byte(c), 4);
        const unsigned first = a;
        a = b + 1;
        b = c + 1;
        c = first + 1;
    }
    append_digits(text, byte(63), 2);
    return text;
}

std::string first_sum(const std::string& key, const std::string& salt) {
    const auto other = sha512(key + salt + key);
    auto mixed = key + salt + filled(other, key.size());
    for (auto bits = key.size(); bits > 0; bits >>= 1U) mixed += (bits & 1U) != 0 ? other : key;
    return sha512(mixed);
}

}  // namespace

std::string sha512_crypt(std::string_view password, std::string_view given) {
    const std::string key(password), salt(given.substr(0, kSalt));
    auto sum = first_sum(key, salt);
    const auto p = filled(sha512(repeated(key, key.size())), key.size());
    const auto s = filled(sha512(repeated(salt, 16U + static_cast<unsigned char>(sum[0]))), salt.size());
    for (int round = 0; round < kRounds; ++round) {
        const bool odd = round % 2 != 0;
        auto mixed = odd ? p : sum;
        if (round % 3 != 0) mixed += s;
        if (round % 7 != 0) mixed += p;
        mixed += odd ? sum : p;
        sum = sha512(mixed);
    }
    return "$6$" + salt + "$" + in_digits(sum);
}

Result<std::string> hash_password(std::string_view password) {
    if (password.empty() || password.contains('\0') || password.size() > kMaxPassword)
        return fail(Kind::invalid, "a password has 1 to {} bytes", kMaxPassword);
    std::array<unsigned char, kSalt> random;
    if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size()))
        return fail_errno(errno, "make a salt");
    std::string salt;
    for (const auto byte : random) salt += kDigits[byte & 0x3FU];
    return sha512_crypt(password, salt);
}

bool is_known_hash(std::string_view hash) noexcept {
    if (!hash.starts_with('$')) return true;  // DES, or none at all: "!", "*"
    static constexpr std::array<std::string_view, 6> kKnown{"$1$", "$2a$", "$2b$", "$2y$", "$5$", "$6$"};
    return std::ranges::any_of(kKnown, [&](auto mark) { return hash.starts_with(mark); });
}

}  // namespace diatom::configure
