#include <algorithm>

#include "ignition/access.h"
#include "ignition/check.h"
#include "ignition/ignition.h"
#include "ignition/merge.h"

namespace diatom::ignition {
namespace {

int minor_of(const Value& document) {
    const auto version = document.at("ignition").text_of("version");
    return version.size() > 2 ? version[2] - '0' : kNewestMinor;
}

class Resolver {
public:
    Resolver(const Fetch& fetch, Report& report) : fetch_(fetch), report_(report) {}

    // `around`: what holds for requests besides.
    Value render(Value config, const Value& around, int depth) {
        const auto& references = config.at("ignition").at("config");
        const auto here = Path() / "ignition" / "config";
        if (!references.at("replace").text_of("source").empty()) {
            const auto& reference = references.at("replace");
            auto next = load(reference, here / "replace", around, depth);
            if (!next) return config;
            const auto settings = merge(around, *next);
            return render(std::move(*next), settings, depth + 1);
        }
        auto merged = config;
        const auto& list = references.at("merge").items();
        for (std::size_t i = 0; i < list.size(); ++i) {
            auto next = load(list[i], (here / "merge").item(i), merge(around, merged), depth);
            if (!next) continue;
            const auto settings = merge(merge(around, merged), *next);
            merged = merge(merged, render(std::move(*next), settings, depth + 1));
        }
        return merged;
    }

private:
    std::optional<Value> load(const Value& reference, const Path& path, const Value& around, int depth) {
        const auto refuse = [&](std::string_view why) {
            report_.problem(reference, path, why);
            return std::nullopt;
        };
        if (depth >= kMaxDepth) return refuse(std::format("stands below {} other configurations", kMaxDepth));
        if (++loaded_ > kMaxConfigs) return refuse(std::format("more than {} configurations", kMaxConfigs));
        auto access = access_of(around, fetch_, authorities_);
        if (!access) return refuse(access.error().what());
        auto text = obtain(reference, *access, fetch_);
        if (!text) return refuse(text.error().what());
        auto config = read_ignition(*text, shown_source(reference));
        report_.add(config.report);
        if (!config.ok()) return std::nullopt;
        return std::move(config.document);
    }

    const Fetch& fetch_;
    Report& report_;
    AuthorityCache authorities_;
    int loaded_ = 0;
};

}  // namespace

Config resolve(Config config, const Fetch& fetch) {
    if (!config.ok()) return config;
    const bool alone = !config.document.at("ignition").has("config");
    config.document = Resolver(fetch, config.report).render(config.document, config.document, 0);
    if (auto* ignition = config.document.find("ignition")) ignition->erase("config");
    // Valid configurations can make one that is not.
    if (!alone && config.ok()) {
        Report merged;
        config.document = conform(config.document, {.minor = minor_of(config.document)}, merged);
        check_rules(config.document, minor_of(config.document), merged);
        config.report.problems.insert(config.report.problems.end(), merged.problems.begin(), merged.problems.end());
    }
    return config;
}

}  // namespace diatom::ignition
