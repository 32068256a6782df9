// The specification of Ignition's configuration as a table: names, forms, since when, what makes two entries of a list
// one, and what Butane calls it. Reading, merging and the translation of Butane walk documents along it. Thread side:
// any (constants). Source: https://coreos.github.io/ignition/specs/ (3.0.0 to 3.5.0),
// https://coreos.github.io/butane/specs/ (fcos 1.0.0 to 1.6.0, flatcar 1.0.0 and 1.1.0).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "document/value.h"

namespace diatom::ignition {

inline constexpr int kNewestMinor = 5;  // 3.5.0

enum class Form : std::uint8_t { text, number, boolean, list, object };

// When two entries of a list are the same one, in a document (which may not be) or in two that are merged.
enum class Same : std::uint8_t {
    never,      // lists are put behind each other
    value,      // of texts
    key,        // the member that `key` names is the same
    partition,  // the same number, or without one the same label
};

struct Key;

struct Type {
    Form form = Form::text;
    const Type* item = nullptr;  // of a list
    std::span<const Key> keys = {};
    Same same = Same::never;  // of a list
    std::string_view key = {};
};

enum class Only : std::uint8_t { neither, butane };

struct Key {
    std::string_view name;
    const Type* type;
    std::uint8_t since = 0;  // of 3.x
    // Lists of one object whose entries must differ from each other across them: a file and a link of one path.
    std::string_view family = {};
    std::string_view butane = {};  // where it is not the name with '_' before what was a capital
    Only only = Only::neither;
};

const Type& config_type() noexcept;

const Key* find_key(const Type& type, std::string_view name, bool butane);

// "httpHeaders" -> "http_headers"
std::string butane_name(const Key& key);

// What makes the entry of a list the same as another; empty: nothing does.
std::string identity(const Type& list, const Value& entry);

}  // namespace diatom::ignition
