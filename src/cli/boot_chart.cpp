#include "cli/boot_chart.h"

#include <algorithm>
#include <array>
#include <optional>

namespace diatom::cli {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kOwnPhases{
    {{"kernel", "kernel"},
     {"mounts", "mounts"},
     {"machine", "machine"},
     {"state", "state partition"},
     {"configuration", "configuration"},
     {"supervision", "supervision"},
     {"system engine started", ""},
     {"hardware", ""},
     {"growing", "growing the state partition"}}};
constexpr std::string_view kContainer = "container ", kStarted = " started", kReady = " ready";

std::optional<std::int64_t> find(const std::vector<BootMark>& marks, std::string_view name) {
    const auto it = std::ranges::find(marks, name, &BootMark::name);
    return it == marks.end() ? std::nullopt : std::optional(it->at_us);
}

const std::pair<std::string_view, std::string_view>* find_own(std::string_view name) {
    const auto* it = std::ranges::find(kOwnPhases, name, &std::pair<std::string_view, std::string_view>::first);
    return it == kOwnPhases.end() ? nullptr : it;
}

// Where the phase that ends with mark number `at` began.
std::int64_t begin_of(const std::vector<BootMark>& marks, std::size_t at) {
    const auto& mark = marks[at];
    if (find_own(mark.name) != nullptr) {
        for (std::size_t i = at; i-- > 0;) {
            if (find_own(marks[i].name) != nullptr) return marks[i].at_us;
        }
        return 0;
    }
    const auto after = [&](const std::string& name) { return find(marks, name).value_or(mark.at_us); };
    if (mark.name == "system engine ready") return after("system engine started");
    if (mark.name == "user engine ready") return after("container user-engine started");
    const std::string_view name = mark.name;
    if (name.starts_with(kContainer) && name.ends_with(kStarted)) return after("system engine ready");
    if (name.starts_with(kContainer) && name.ends_with(kReady)) {
        return after(std::string(name.substr(0, name.size() - kReady.size())) + std::string(kStarted));
    }
    return mark.at_us;
}

std::string title(std::string_view name) {
    if (name.starts_with(kContainer)) name.remove_prefix(kContainer.size());
    return std::string(name);
}

std::string bar(const BootPhase& phase, std::int64_t total_us, std::size_t width) {
    const auto column = [&](std::int64_t us) {
        return static_cast<std::size_t>(us * static_cast<std::int64_t>(width) / total_us);
    };
    const std::size_t from = std::min(column(phase.begin_us), width - 1);
    const std::size_t to = std::clamp(column(phase.end_us), from + 1, width);
    std::string text(from, ' ');
    for (std::size_t i = from; i < to; ++i) text += "█";
    return text + std::string(width - to, ' ');
}

}  // namespace

Result<std::vector<BootMark>> decode_marks(const Json& marks) {
    std::vector<BootMark> list;
    if (!marks.is_array()) return fail(Kind::corrupt, "the boot timeline is not a list");
    for (const auto& mark : marks) {
        auto name = TRY(json_string(mark, "name"));
        const auto at = TRY(json_int(mark, "at_us"));
        list.push_back({std::move(name), at});
    }
    std::ranges::stable_sort(list, {}, &BootMark::at_us);
    return list;
}

std::vector<BootPhase> boot_phases(const std::vector<BootMark>& marks) {
    std::vector<BootPhase> phases;
    for (std::size_t i = 0; i < marks.size(); ++i) {
        const auto* own = find_own(marks[i].name);
        if (own == nullptr) phases.push_back({title(marks[i].name), begin_of(marks, i), marks[i].at_us});
        else if (!own->second.empty()) phases.push_back({std::string(own->second), begin_of(marks, i), marks[i].at_us});
    }
    std::ranges::stable_sort(phases, {}, &BootPhase::begin_us);
    return phases;
}

std::string draw_boot(const std::vector<BootPhase>& phases, std::size_t width) {
    std::int64_t total = 1;
    std::size_t longest = 5;
    for (const auto& phase : phases) {
        total = std::max(total, phase.end_us);
        longest = std::max(longest, phase.name.size());
    }
    std::string text = std::format("{:>{}}  {:<{}}  {:>9} {:>9}\n", "", longest, "", width, "at ms", "took ms");
    for (const auto& phase : phases) {
        text += std::format("{:>{}}  {}  {:>9.1f} {:>9.1f}\n", phase.name, longest, bar(phase, total, width),
                            static_cast<double>(phase.end_us) / 1000,
                            static_cast<double>(phase.end_us - phase.begin_us) / 1000);
    }
    return text;
}

Json encode_boot(const std::vector<BootMark>& marks) {
    Json list = Json::array();
    for (std::size_t i = 0; i < marks.size(); ++i) {
        list.push_back({{"name", marks[i].name}, {"begin_us", begin_of(marks, i)}, {"at_us", marks[i].at_us}});
    }
    return list;
}

}  // namespace diatom::cli
