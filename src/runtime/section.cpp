#include "runtime/section.h"

#include <algorithm>

#include "base/strings.h"

namespace diatom::runtime {
namespace {

bool asks_for_nothing(const Json& value) {
    switch (value.type()) {
        case Json::value_t::null: return true;
        case Json::value_t::boolean: return !value.get<bool>();
        case Json::value_t::string: return value.get_ref<const std::string&>().empty();
        case Json::value_t::array:
        case Json::value_t::object: return std::ranges::all_of(value, asks_for_nothing);
        default: return value == 0;
    }
}

}  // namespace

Result<Section> Section::open(const Json& value, std::string path, const Keys& keys, UnknownFields unknown) {
    Section section(value, std::move(path), unknown);
    if (value.is_null()) return section;
    if (!value.is_object()) {
        return fail(Kind::invalid, "{} must be an object, not {}", section.path_, value.type_name());
    }
    for (const auto& [key, member] : value.items()) {
        if (std::ranges::contains(keys.known, key)) continue;
        if (std::ranges::contains(keys.unsupported, key)) {
            if (asks_for_nothing(member)) continue;
            return fail(Kind::unsupported, "{} is not supported by this version: remove it", section.path_of(key));
        }
        if (unknown == UnknownFields::ignore) continue;
        const auto meant = nearest(key, std::span(keys.known.begin(), keys.known.size()));
        return fail(Kind::invalid, "{}: unknown field{}", section.path_of(key),
                    meant ? std::format(" (did you mean \"{}\"?)", *meant) : "");
    }
    return section;
}

Result<Section> Section::child(std::string_view key, const Keys& keys) const {
    return open(member(key), path_of(key), keys, unknown_);
}

std::string Section::path_of(std::string_view key) const {
    return path_.empty() ? std::string(key) : std::format("{}.{}", path_, key);
}

Result<std::string> Section::text(std::string_view key, std::string fallback) const {
    auto value = TRY(json_string(*object_, key, std::move(fallback)), "{}", path_of(key));
    // Every text ends up as a C string of the kernel, which would take the part before the zero for the whole.
    if (value.contains('\0')) return fail(Kind::invalid, "{} contains a zero byte", path_of(key));
    return value;
}

Result<bool> Section::boolean(std::string_view key) const { return TRY(json_bool(*object_, key), "{}", path_of(key)); }

Result<std::vector<std::string>> Section::strings(std::string_view key) const {
    auto values = TRY(json_strings(*object_, key), "{}", path_of(key));
    for (const auto& value : values) {
        if (value.contains('\0')) return fail(Kind::invalid, "{} contains a zero byte", path_of(key));
    }
    return values;
}

Result<std::map<std::string, std::string>> Section::string_map(std::string_view key) const {
    return TRY(json_string_map(*object_, key), "{}", path_of(key));
}

Result<std::int64_t> Section::integer(std::string_view key, std::int64_t fallback) const {
    return TRY(json_int(*object_, key, fallback), "{}", path_of(key));
}

Result<std::uint64_t> Section::natural(std::string_view key, std::uint64_t fallback, std::uint64_t most) const {
    const Json& value = member(key);
    if (value.is_null()) return fallback;
    // RLIM_INFINITY and seccomp arguments use all 64 bits, more than json_int takes.
    std::uint64_t number = 0;
    if (value.is_number_unsigned()) {
        number = value.get<std::uint64_t>();
    } else {
        const auto signed_number = TRY(integer(key));
        if (signed_number < 0) return fail(Kind::invalid, "{} must not be negative", path_of(key));
        number = static_cast<std::uint64_t>(signed_number);
    }
    if (number > most) return fail(Kind::invalid, "{} must be at most {}", path_of(key), most);
    return number;
}

Result<std::uint32_t> Section::natural32(std::string_view key, std::uint32_t fallback) const {
    return static_cast<std::uint32_t>(TRY(natural(key, fallback, std::numeric_limits<std::uint32_t>::max())));
}

Result<std::optional<std::int64_t>> Section::optional_integer(std::string_view key) const {
    if (!has(key)) return std::nullopt;
    return TRY(integer(key));
}

Result<std::optional<std::uint64_t>> Section::optional_natural(std::string_view key) const {
    if (!has(key)) return std::nullopt;
    return TRY(natural(key));
}

Result<std::vector<Section::Item>> Section::items(std::string_view key) const {
    const Json& list = member(key);
    std::vector<Item> found;
    if (list.is_null()) return found;
    if (!list.is_array()) return fail(Kind::invalid, "{} must be a list, not {}", path_of(key), list.type_name());
    for (std::size_t i = 0; i < list.size(); ++i)
        found.push_back({&list[i], std::format("{}[{}]", path_of(key), i), unknown_});
    return found;
}

}  // namespace diatom::runtime
