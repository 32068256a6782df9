// What crypt(3) makes of a password: SHA-512 crypt ($6$), which the C library of the machine's programs knows. Source:
// "Unix crypt using SHA-256 and SHA-512", version 0.6 (U. Drepper, in the public domain). Thread side: any; takes
// milliseconds by design.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace diatom::configure {

// With a salt of its own each time. invalid: an empty password, or one with a NUL or longer than 511 bytes.
Result<std::string> hash_password(std::string_view password);

// `salt`: at most 16 characters of ./0-9A-Za-z count.
std::string sha512_crypt(std::string_view password, std::string_view salt);

// Whether a program of the machine can tell if a password is right by this hash: $1$, $2…$, $5$, $6$ and DES.
bool is_known_hash(std::string_view hash) noexcept;

}  // namespace diatom::configure
