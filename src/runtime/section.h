// One object of a config.json: unknown keys refused by name with the nearest known one, typed fields, errors that carry
// the path ("process.user.uid"). Thread side: any; a Section borrows its document.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "runtime/spec.h"

namespace diatom::runtime {

class Section {
public:
    struct Keys {
        std::initializer_list<std::string_view> known;
        // Words of the runtime-spec that this version does not honour: accepted only while they ask for nothing.
        std::initializer_list<std::string_view> unsupported = {};
    };

    // `value` null: an empty section.
    static Result<Section> open(const Json& value, std::string path, const Keys& keys,
                                UnknownFields unknown = UnknownFields::refuse);
    // The object that is a member, read in the same way.
    Result<Section> child(std::string_view key, const Keys& keys) const;

    bool has(std::string_view key) const { return !json_member(*object_, key).is_null(); }
    const Json& member(std::string_view key) const { return json_member(*object_, key); }
    std::string path_of(std::string_view key) const;

    Result<std::string> text(std::string_view key, std::string fallback = {}) const;
    Result<bool> boolean(std::string_view key) const;
    Result<std::vector<std::string>> strings(std::string_view key) const;
    Result<std::map<std::string, std::string>> string_map(std::string_view key) const;
    Result<std::int64_t> integer(std::string_view key, std::int64_t fallback = 0) const;
    Result<std::uint64_t> natural(std::string_view key, std::uint64_t fallback = 0,
                                  std::uint64_t most = std::numeric_limits<std::uint64_t>::max()) const;
    Result<std::uint32_t> natural32(std::string_view key, std::uint32_t fallback = 0) const;

    Result<std::optional<std::int64_t>> optional_integer(std::string_view key) const;
    Result<std::optional<std::uint64_t>> optional_natural(std::string_view key) const;

    // The members of a list, each with its path; an absent list has none.
    struct Item {
        const Json* value;
        std::string path;
        UnknownFields unknown;
        Result<Section> open(const Keys& keys) const { return Section::open(*value, path, keys, unknown); }
    };
    Result<std::vector<Item>> items(std::string_view key) const;

private:
    Section(const Json& object, std::string path, UnknownFields unknown)
        : object_(&object), path_(std::move(path)), unknown_(unknown) {}
    const Json* object_;
    std::string path_;
    UnknownFields unknown_;
};

}  // namespace diatom::runtime
