// `extends` (Compose Specification, 05-services): a service on top of another one, of this file or of another.
#include <algorithm>

#include "compose/expand.h"
#include "compose/merge.h"
#include "compose/model.h"
#include "compose/paths.h"
#include "compose/validate.h"

namespace diatom::compose {
namespace {

constexpr std::size_t kMaxChain = 64;

std::string home_of(const Environment& environment) {
    const auto it = environment.find("HOME");
    return it == environment.end() ? std::string() : it->second;
}

}  // namespace

Result<void> ModelLoader::apply_extends(Value& services, const Place& place, const std::vector<KeyPath>& resets) {
    std::vector<std::string> names;
    for (const auto& [name, service] : services.members()) names.push_back(name);
    for (const auto& name : names) TRY(extend(services, name, place, resets, {}));
    return {};
}

Result<void> ModelLoader::extend(Value& services, const std::string& name, const Place& place,
                                 const std::vector<KeyPath>& resets, std::vector<Link> chain) {
    const auto path = child_path("services", name);
    const auto* found = services.find(name);
    if (found == nullptr || !found->has("extends")) return {};
    auto service = *found;
    const auto extends = service.at("extends");
    TRY(validate(extends, *member_type(service_type(), "extends"), child_path(path, "extends")));

    const Link link{place.file, name};
    if (std::ranges::contains(chain, link) || chain.size() > kMaxChain) {
        std::string circle;
        for (const auto& step : chain) circle += std::format("{} in {}, ", step.service, step.file);
        return extends.error(path, std::format("extends itself: {}{} in {}", circle, name, place.file));
    }
    chain.push_back(link);

    auto base = TRY(extended_base(services, extends, path, place, chain));
    service.erase("extends");
    if (base.is_map()) {
        // What the extending file resets is not taken from the base.
        for (const auto& reset : resets) {
            const bool is_here = reset.size() > 2 && reset[0] == "services" && reset[1] == name;
            if (is_here) drop_path(base, KeyPath(reset.begin() + 2, reset.end()));
        }
        TRY(merge(base, std::move(service), &service_type(), path));
        service = std::move(base);
    }
    services.set(name, std::move(service));
    return {};
}

// The service that is extended, itself extended before.
Result<Value> ModelLoader::extended_base(Value& services, const Value& extends, const std::string& path,
                                         const Place& place, const std::vector<Link>& chain) {
    const auto name = extends.text_of("service");
    if (!extends.has("file")) {
        if (!services.has(name)) return extends.error(path, std::format("extends {}, which is not there", name));
        TRY(extend(services, name, place, {}, chain));
        return services.at(name);
    }
    const Base base{place.directory, home_of(place.environment)};
    const auto file = absolute_path(extends.text_of("file"), base);
    const Place other{file, parent_directory(file), place.environment};
    auto model = Value::map();
    auto documents = read(file);
    if (!documents) return extends.error(path, documents.error().what(), documents.error().kind());
    for (auto& document : *documents) {
        for (const auto& reset : take_resets(document)) drop_path(model, reset);
        TRY(prepare(document, place.environment));
        TRY(merge(model, std::move(document), &document_type()));
    }
    resolve_paths(model, document_type(), {other.directory, base.home});
    auto* others = model.find("services");
    if (others == nullptr || !others->has(name)) {
        return extends.error(path, std::format("extends {}, which is not in {}", name, file));
    }
    TRY(extend(*others, name, other, {}, chain));
    return others->at(name);
}

}  // namespace diatom::compose
