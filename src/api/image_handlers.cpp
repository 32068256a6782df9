// The images that the engine has.
#include <fnmatch.h>

#include <algorithm>
#include <limits>

#include "api/encode.h"
#include "api/older_clients.h"
#include "api/platform.h"
#include "api/router.h"
#include "sys/clock.h"

namespace diatom::api {
namespace {

// As Docker's FamiliarMatch: a pattern of the shell for the name as Docker lists it, with or without its tag; the whole
// name does as well.
bool is_named(const std::string& full, const std::string& pattern) {
    const auto reference = image::Reference::parse(full);
    const auto fits = [&](const std::string& name) {
        return ::fnmatch(pattern.c_str(), name.c_str(), FNM_PATHNAME) == 0;
    };
    return full == pattern || (reference && (fits(reference->familiar()) || fits(reference->familiar_repository())));
}

// The names that any pattern fits, and no others: clients print a line for each.
void keep_named(image::ImageRecord& image, const std::vector<std::string>& patterns) {
    const auto unwanted = [&](const std::string& name) {
        return std::ranges::none_of(patterns, [&](const auto& pattern) { return is_named(name, pattern); });
    };
    std::erase_if(image.tags, unwanted);
    std::erase_if(image.repo_digests, unwanted);
}

// Wall ns: a listing shows seconds, but images that are made one after the other are told apart.
std::int64_t made_at(const image::ImageRecord& image) {
    return sys::parse_rfc3339(image.config.created).value_or(image.created * 1'000'000'000);
}

// When images were made, in wall ns, that "before", "since" and "until" leave.
struct Times {
    std::int64_t after = std::numeric_limits<std::int64_t>::min(), before = std::numeric_limits<std::int64_t>::max();
};

Task<Times> times_of(Call& call, Filters& filters) {
    Times times;
    for (const auto& text : filters["until"])
        times.before = std::min(times.before, CO_TRY(time_value(text, "until")).value_or(times.before));
    for (const auto& name : filters["before"]) {
        auto found = co_await call.engine.image(name);
        times.before = std::min(times.before, made_at(CO_TRY(std::move(found))));
    }
    for (const auto& name : filters["since"]) {
        auto found = co_await call.engine.image(name);
        times.after = std::max(times.after, made_at(CO_TRY(std::move(found))));
    }
    co_return times;
}

Task<void> list(Call& call) {
    static constexpr std::string_view kFilters[] = {"reference", "dangling", "label", "label!",
                                                    "before",    "since",    "until"};
    auto filters = CO_TRY(decode_filters(call.request));
    CO_TRY(check_filters(filters, kFilters));
    auto looked_up = co_await times_of(call, filters);
    const auto times = CO_TRY(std::move(looked_up));
    auto listed = co_await call.engine.images();
    auto images = CO_TRY(std::move(listed));
    const auto containers = call.engine.containers();
    auto patterns = filters["reference"];
    if (const auto filter = call.request.param("filter"); !filter.empty()) patterns.push_back(filter);
    Json rows = Json::array();
    for (auto& image : images) {
        if (made_at(image) <= times.after || made_at(image) >= times.before) continue;
        if (!filters["dangling"].empty() && flag_of(filters, "dangling", false) != image.tags.empty()) continue;
        if (!labels_allow(image.config.labels, filters)) continue;
        if (!patterns.empty()) keep_named(image, patterns);
        if (!patterns.empty() && image.tags.empty() && image.repo_digests.empty()) continue;
        rows.push_back(encode_image_row(
            image, std::ranges::count_if(containers, [&](const auto& c) { return c.image == image.id; })));
        add_older_image_row(rows.back(), call.version());
    }
    co_return co_await call.connection.reply_json(200, rows);
}

Task<void> inspect(Call& call) {
    auto checked = co_await check_platform(call, call.name());
    CO_TRY(std::move(checked));
    auto found = co_await call.engine.image(call.name());
    const auto image = CO_TRY(std::move(found));
    auto body = encode_image(image);
    add_older_image(body, call.version());
    co_return co_await call.connection.reply_json(200, body);
}

Task<void> history(Call& call) {
    auto checked = co_await check_platform(call, call.name());
    CO_TRY(std::move(checked));
    auto found = co_await call.engine.image(call.name());
    const auto image = CO_TRY(std::move(found));
    auto measured = co_await call.engine.layer_sizes();
    const auto sizes = CO_TRY(std::move(measured));
    co_return co_await call.connection.reply_json(200, encode_history(image, sizes));
}

Task<void> remove(Call& call) {
    auto checked = co_await check_platform(call, call.name());
    CO_TRY(std::move(checked));
    auto removed = co_await call.engine.remove_image(call.name(), call.request.flag("force"));
    const auto result = CO_TRY(std::move(removed));
    Json rows = Json::array();
    for (const auto& name : result.untagged) rows.push_back({{"Untagged", name}});
    for (const auto& id : result.deleted) rows.push_back({{"Deleted", id}});
    co_return co_await call.connection.reply_json(200, rows);
}

Task<void> tag(Call& call) {
    auto name = call.request.param("repo");
    if (const auto tag = call.request.param("tag"); !tag.empty()) name += ":" + tag;
    const auto reference = CO_TRY(image::Reference::parse(name));
    CO_TRY(image::check_taggable(reference));
    auto tagged = co_await call.engine.tag_image(call.name(), reference);
    CO_TRY(std::move(tagged));
    co_return co_await call.connection.reply_empty(201);
}

constexpr Route kRoutes[] = {
    {"GET", "/images/json", list},    {"GET", "/images/{*}/json", inspect}, {"GET", "/images/{*}/history", history},
    {"POST", "/images/{*}/tag", tag}, {"DELETE", "/images/{*}", remove},
};

}  // namespace

std::span<const Route> image_routes() { return kRoutes; }

}  // namespace diatom::api
