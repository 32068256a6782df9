#include "cli/arguments.h"

#include <algorithm>
#include <format>

#include "base/strings.h"

namespace diatom::cli {
namespace {

constexpr OptionSpec kHelp{"--help", 'h', false, "this text"};

const OptionSpec* find(std::string_view word, std::span<const OptionSpec> specs) {
    const auto matches = [&](const OptionSpec& spec) {
        return word == spec.name || (word.size() == 2 && word[0] == '-' && word[1] == spec.letter);
    };
    if (matches(kHelp)) return &kHelp;
    const auto found = std::ranges::find_if(specs, matches);
    return found == specs.end() ? nullptr : &*found;
}

Failure unknown(std::string_view word, std::span<const OptionSpec> specs) {
    std::vector<std::string_view> names;
    for (const auto& spec : specs) names.push_back(spec.name);
    const auto near = nearest(word, names);
    return near ? fail(Kind::invalid, "unknown option {}; did you mean {}?", word, *near)
                : fail(Kind::invalid, "unknown option {}; --help lists them", word);
}

// -it where -i and -t are flags.
bool is_flag_group(std::string_view word, std::span<const OptionSpec> specs) {
    if (word.size() < 3 || word[0] != '-' || word[1] == '-') return false;
    return std::ranges::all_of(word.substr(1), [&](char letter) {
        const auto* spec = find(std::format("-{}", letter), specs);
        return spec != nullptr && !spec->takes_value;
    });
}

}  // namespace

Result<Arguments> parse_arguments(std::span<char* const> args, std::span<const OptionSpec> specs, Order order) {
    Arguments result;
    for (std::size_t i = 1; i < args.size(); ++i) {
        const std::string_view word = args[i];
        const bool is_option = word.starts_with('-') && word != "-" && word != "--";
        if (order == Order::options_first && !is_option) {
            result.rest.assign(args.begin() + static_cast<std::ptrdiff_t>(i + (word == "--" ? 1 : 0)), args.end());
            return result;
        }
        if (is_flag_group(word, specs)) {
            for (const char letter : word.substr(1)) {
                const auto flag = std::format("-{}", letter);
                result.options[std::string(find(flag, specs)->name)].emplace_back();
            }
            continue;
        }
        if (!word.starts_with('-') || word == "-") {
            result.rest.emplace_back(word);
            continue;
        }
        const auto pair = word.starts_with("--") ? cut(word, '=') : std::nullopt;
        const auto* spec = find(pair ? pair->first : word, specs);
        if (spec == nullptr) return unknown(word, specs);
        std::string value(pair ? pair->second : std::string_view());
        if (spec->takes_value && !pair) {
            if (i + 1 >= args.size()) return fail(Kind::invalid, "{} needs a value", word);
            value = args[++i];
        } else if (!spec->takes_value && pair) {
            return fail(Kind::invalid, "{} takes no value", spec->name);
        }
        result.options[std::string(spec->name)].push_back(std::move(value));
    }
    return result;
}

Result<std::optional<std::int64_t>> seconds_of(const Arguments& arguments, std::string_view option) {
    if (!arguments.has(option)) return std::nullopt;
    const auto seconds = parse_uint(arguments.value(option));
    if (!seconds) return fail(Kind::invalid, "{} {}: must be a number of seconds", option, arguments.value(option));
    return static_cast<std::int64_t>(*seconds);
}

Result<std::string> timeout_query(const Arguments& arguments, std::string_view option) {
    const auto seconds = TRY(seconds_of(arguments, option));
    return seconds ? std::format("?t={}", *seconds) : std::string();
}

std::string usage(std::string_view line, std::span<const OptionSpec> specs) {
    std::string text = std::format("usage: {}\n\n", line);
    for (const auto& spec : specs) {
        const std::string letter = spec.letter != 0 ? std::format("-{}, ", spec.letter) : "    ";
        text += std::format("  {}{:18} {}\n", letter, spec.name, spec.help);
    }
    return text;
}

}  // namespace diatom::cli
