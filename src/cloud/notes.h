// What a translation has to say of what it read. Nothing that users write is left out in silence, and no value is
// repeated that may be a secret. Thread side: any; values.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "machine/path.h"

namespace diatom::cloud {

struct Warning {
    enum class Kind : std::uint8_t {
        unknown_key,
        wrong_value,
        no_meaning,  // it is known, and what to do instead is said
    };
    Kind kind;
    std::string file;  // empty: written by no one
    std::uint32_t line = 0;
    std::string key;   // "users[0].shell"
    std::string text;  // "FILE:LINE: users[0].shell: must be text, not a list"
};

// A key that a mapping may have. With an answer it is known but not taken; the answer says why, and what is.
struct Known {
    std::string_view name;
    std::string_view answer = {};
};

// More are of no use to anyone who reads them: the last says so.
inline constexpr std::size_t kMaxWarnings = 500;

class Notes {
public:
    // At the place of the value.
    void add(Warning::Kind kind, const Value& at, const machine::Path& path, std::string_view message);
    void wrong(const Value& at, const machine::Path& path, std::string_view wanted);  // "must be WANTED, not a list"
    void refuse(const Value& at, const machine::Path& path, std::string_view why);    // Kind::no_meaning
    void bad(const Value& at, const machine::Path& path, std::string_view why);       // Kind::wrong_value

    // Every key that is not known, with the nearest one that is, and the answers of those that have one. '-' and '_'
    // are the same.
    void check_keys(const Value& map, const machine::Path& path, std::span<const Known> known);

    const std::vector<Warning>& warnings() const noexcept { return warnings_; }
    std::vector<Warning> take() { return std::move(warnings_); }
    void append(std::vector<Warning> others);

private:
    std::vector<Warning> warnings_;
};

// With '_' for '-'.
std::string underscored(std::string_view key);

}  // namespace diatom::cloud
