// Options of the small commands: "--name value", "--name=value", "-n value", flags. Thread side: any.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace diatom::cli {

struct OptionSpec {
    std::string_view name;  // "--since"
    char letter = 0;        // 'n' for -n
    bool takes_value = false;
    std::string_view help;
};

struct Arguments {
    std::map<std::string, std::vector<std::string>, std::less<>> options;  // by long name; flags have ""
    std::vector<std::string> rest;
    bool has(std::string_view name) const { return options.contains(name); }
    std::string value(std::string_view name, std::string_view fallback = {}) const {
        const auto it = options.find(name);
        return it == options.end() ? std::string(fallback) : it->second.back();  // the last one given counts
    }
    std::vector<std::string> values(std::string_view name) const {
        const auto it = options.find(name);
        return it == options.end() ? std::vector<std::string>() : it->second;
    }
};

// Whether what follows the first word that is no option may still be one. A command that takes another command's line
// (exec) must not look into it, and takes "--" for the end of its own options.
enum class Order : std::uint8_t { mixed, options_first };

// args[0] is the command. An unknown option names the nearest one. --help and -h are always known. Letters of flags may
// stand together: -it.
Result<Arguments> parse_arguments(std::span<char* const> args, std::span<const OptionSpec> specs,
                                  Order order = Order::mixed);
// A number of seconds; nothing without the option.
Result<std::optional<std::int64_t>> seconds_of(const Arguments& arguments, std::string_view option);
// "?t=SECONDS" of POST /containers/X/stop and restart; empty without the option.
Result<std::string> timeout_query(const Arguments& arguments, std::string_view option);
std::string usage(std::string_view line, std::span<const OptionSpec> specs);

}  // namespace diatom::cli
