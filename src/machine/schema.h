// The configuration of a machine as a table: which keys there are, what they hold, how sources are merged, and when a
// change takes effect. Checks, the JSON Schema and `diatom config` walk a document along it; keys stand in the order in
// which they are printed. Thread side: any (constants).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace diatom::machine {

enum class Form : std::uint8_t {
    text,
    number,  // a whole number
    boolean,
    list,     // of `item`
    map,      // keys of the user's choice, each with an `item`
    object,   // the keys of `keys`
    command,  // an argument vector, or text for /bin/sh -c
    compose,  // what the Compose Specification says of it
};

// What a source of higher precedence does to the value of a lower one. Maps and objects are merged key by key.
enum class Merge : std::uint8_t {
    replace,
    append,  // a list: after the items of the lower one, without what stands there already
};

// When a change of a running machine takes effect.
enum class Applies : std::uint8_t {
    live,  // with `diatom config apply`
    next_boot,
    first_boot,  // once in the life of an instance
};

// A text that means something.
struct Format {
    std::string_view name;   // in the JSON Schema
    std::string_view means;  // "a host name such as web-1"
    bool (*valid)(std::string_view text);
};

struct Key;

struct Type {
    Form form = Form::text;
    const Type* item = nullptr;
    std::span<const Key> keys = {};
    std::span<const std::string_view> choices = {};
    const Format* format = nullptr;  // of text, and of a map's keys
    Merge merge = Merge::replace;
    bool secret = false;                               // never printed, logged, or written where others can read it
    std::int64_t least = INT64_MIN, most = INT64_MAX;  // of a number
};

struct Key {
    std::string_view name;
    const Type* type;
    std::string_view summary;
    Applies applies = Applies::next_boot;
};

const Type& machine_type() noexcept;

// The type of a member of an object or map; nothing for unknown keys.
const Type* member_type(const Type& type, std::string_view key) noexcept;

}  // namespace diatom::machine
