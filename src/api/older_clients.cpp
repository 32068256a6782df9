#include "api/older_clients.h"

#include <algorithm>

#include "base/strings.h"
#include "engine/endpoints.h"

namespace diatom::api {
namespace {

// A later member of an object, and the version that brought it.
struct Later {
    const char* name;
    int since;
};
constexpr Later kOfHost[] = {{"AutoRemove", 25}, {"Annotations", 43}};
constexpr Later kOfBind[] = {{"NonRecursive", 40}, {"CreateMountpoint", 42}};
constexpr Later kOfHealth[] = {{"StartInterval", 44}};
constexpr Later kOfEndpoint[] = {{"GwPriority", 48}};

template <std::size_t N>
void drop_later(Json& object, const Later (&members)[N], int version) {
    if (!object.is_object()) return;
    for (const auto& member : members) {
        if (version < member.since) object.erase(member.name);
    }
}

// The member, or null where the object has none: never made by looking.
Json* find(Json& object, const char* key) {
    if (!object.is_object()) return nullptr;
    const auto it = object.find(key);
    return it == object.end() || it->is_null() ? nullptr : &*it;
}

Result<void> date_mount(Json& mount, int version) {
    if (!mount.is_object()) return {};
    const auto type = TRY(json_string(mount, "Type"));
    // Options of another type of mount were not looked at.
    constexpr std::pair<const char*, const char*> kOptions[] = {{"VolumeOptions", "volume"}, {"TmpfsOptions", "tmpfs"}};
    for (const auto& [key, owner] : kOptions) {
        if (version < 42 && type != owner) mount.erase(key);
    }
    if (auto* volume = find(mount, "VolumeOptions"); volume != nullptr && version < 45) {
        if (!TRY(json_string(*volume, "Subpath")).empty())
            return fail(Kind::invalid, "VolumeOptions.Subpath needs API v1.45 or newer");
    }
    if (version < 44 && type == "bind") {
        if (!mount.contains("BindOptions") || !mount["BindOptions"].is_object()) mount["BindOptions"] = Json::object();
        auto& bind = mount["BindOptions"];
        drop_later(bind, kOfBind, version);
        if (TRY(json_bool(bind, "ReadOnlyForceRecursive")))
            return fail(Kind::invalid, "BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer");
        bind["ReadOnlyNonRecursive"] = true;  // what is mounted below stayed writable
    }
    return {};
}

Result<void> date_networks(Json& networks, int version) {
    if (!networks.is_object()) return {};
    if (networks.size() > 1 && version < 44) {
        std::vector<std::string> names;
        for (const auto& [name, settings] : networks.items()) names.push_back(name);
        return fail(Kind::invalid, "Container cannot be created with multiple network endpoints: {}",
                    join(names, ", "));
    }
    for (auto& settings : networks) drop_later(settings, kOfEndpoint, version);
    return {};
}

}  // namespace

Result<Json> container_body_of(Json body, int version) {
    if (auto* host = find(body, "HostConfig")) {
        drop_later(*host, kOfHost, version);
        if (host->is_object() && version < 40 && TRY(json_string(*host, "IpcMode")).empty())
            (*host)["IpcMode"] = "shareable";
        if (auto* mounts = find(*host, "Mounts"); mounts != nullptr && mounts->is_array()) {
            for (auto& mount : *mounts) TRY(date_mount(mount, version));
        }
    }
    if (auto* health = find(body, "Healthcheck")) drop_later(*health, kOfHealth, version);
    if (auto* networking = find(body, "NetworkingConfig")) {
        if (auto* networks = find(*networking, "EndpointsConfig")) TRY(date_networks(*networks, version));
    }
    return body;
}

void add_older_container(Json& body, const engine::Container& container, int version) {
    if (version >= 45) return;
    for (auto& [name, network] : body["NetworkSettings"]["Networks"].items()) {
        if (!engine::is_user_defined(name)) continue;
        auto& aliases = network["Aliases"];
        if (aliases.is_null()) aliases = Json::array();
        for (const auto& more : {Json(container.id.substr(0, 12)), body["Config"]["Hostname"]}) {
            if (std::ranges::find(aliases, more) == aliases.end()) aliases.push_back(more);
        }
    }
}

void add_older_image(Json& body, int version) {
    if (version < 44) body["VirtualSize"] = body["Size"];
}

void add_older_image_row(Json& row, int version) {
    if (version < 51) row["Containers"] = -1;
    if (version < 44) row["VirtualSize"] = row["Size"];
    if (version < 43 && row["RepoTags"].empty() && row["RepoDigests"].empty()) {
        row["RepoTags"].push_back("<none>:<none>");
        row["RepoDigests"].push_back("<none>@<none>");
    }
}

}  // namespace diatom::api
