// Digests of what is kept and fetched. Source: FIPS 180-4. Thread side: any.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace diatom::configure {

std::string sha256_hex(std::string_view bytes);

// Bytes as they come, against "sha256:HEX" or "sha512:HEX".
class DigestCheck {
public:
    static Result<DigestCheck> create(std::string_view digest);  // invalid: neither of the two
    ~DigestCheck();
    DigestCheck(DigestCheck&&) noexcept;
    DigestCheck& operator=(DigestCheck&&) noexcept;

    void add(std::string_view bytes);
    Result<void> finish();  // corrupt: the bytes are others

private:
    struct State;
    explicit DigestCheck(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace diatom::configure
