// What the options of ps(1) ask for. Source: ps(1) of procps, "simple process selection", "output format control".
#include <algorithm>
#include <array>

#include "base/strings.h"
#include "engine/process_list.h"

namespace diatom::engine {
namespace {

struct Known {
    std::string_view key, title;
};
constexpr std::array kKnown = {
    Known{"args", "COMMAND"},    Known{"c", "C"},           Known{"cmd", "CMD"},          Known{"comm", "COMMAND"},
    Known{"command", "COMMAND"}, Known{"cputime", "TIME"},  Known{"etime", "ELAPSED"},    Known{"etimes", "ELAPSED"},
    Known{"gid", "GID"},         Known{"group", "GROUP"},   Known{"nlwp", "NLWP"},        Known{"pcpu", "%CPU"},
    Known{"%cpu", "%CPU"},       Known{"pgid", "PGID"},     Known{"pid", "PID"},          Known{"pmem", "%MEM"},
    Known{"%mem", "%MEM"},       Known{"ppid", "PPID"},     Known{"rss", "RSS"},          Known{"s", "S"},
    Known{"sid", "SID"},         Known{"start", "STARTED"}, Known{"start_time", "START"}, Known{"stat", "STAT"},
    Known{"state", "S"},         Known{"stime", "STIME"},   Known{"thcount", "THCNT"},    Known{"time", "TIME"},
    Known{"tname", "TTY"},       Known{"tt", "TT"},         Known{"tty", "TT"},           Known{"uid", "UID"},
    Known{"user", "USER"},       Known{"vsz", "VSZ"},
};

std::vector<ProcessColumn> full_format() {
    return {{"user", "UID"},    {"pid", "PID"},   {"ppid", "PPID"}, {"c", "C"},
            {"stime", "STIME"}, {"tname", "TTY"}, {"time", "TIME"}, {"cmd", "CMD"}};
}

std::vector<ProcessColumn> user_format() {
    return {{"user", "USER"},   {"pid", "PID"},   {"pcpu", "%CPU"},   {"pmem", "%MEM"},
            {"vsz", "VSZ"},     {"rss", "RSS"},   {"tname", "TTY"},   {"stat", "STAT"},
            {"stime", "START"}, {"time", "TIME"}, {"args", "COMMAND"}};
}

Result<void> add_columns(std::string_view list, std::vector<ProcessColumn>& columns) {
    for (const auto item : split(list, ',')) {
        const auto halves = cut(item, '=');
        const auto key = halves ? halves->first : item;
        const auto* known = std::ranges::find(kKnown, key, &Known::key);
        if (known == kKnown.end()) {
            return fail(Kind::unsupported, "ps: the column \"{}\" is not in this version: it has {}", key, [] {
                std::vector<std::string> names;
                for (const auto& each : kKnown) names.emplace_back(each.key);
                return join(names, ", ");
            }());
        }
        columns.push_back({std::string(key), std::string(halves ? halves->second : known->title)});
    }
    return {};
}

}  // namespace

Result<std::vector<ProcessColumn>> parse_ps(std::string_view options) {
    std::vector<ProcessColumn> chosen;
    bool as_user = false;
    const auto words = split_words(options);
    for (std::size_t i = 0; i < words.size(); ++i) {
        auto word = words[i];
        if (word.starts_with('-')) word.remove_prefix(1);
        while (!word.empty()) {
            const char option = word.front();
            word.remove_prefix(1);
            if (option == 'o') {
                if (word.empty() && i + 1 < words.size()) word = words[++i];
                if (word.empty()) return fail(Kind::invalid, "ps: -o wants a list of columns");
                TRY(add_columns(word, chosen));
                word = {};
            } else if (option == 'u' && !words[i].starts_with('-')) {
                as_user = true;
            } else if (!std::string_view("eAaxfw").contains(option)) {
                return fail(Kind::unsupported,
                            "ps: the option \"{}\" in \"{}\" is not in this version: it has -ef, aux "
                            "and -o with a list of columns",
                            option, options);
            }
        }
    }
    if (chosen.empty()) chosen = as_user ? user_format() : full_format();
    if (!std::ranges::contains(chosen, "pid", &ProcessColumn::key))
        return fail(Kind::invalid, "Couldn't find PID field in ps output: have it in the list of columns");
    return chosen;
}

}  // namespace diatom::engine
