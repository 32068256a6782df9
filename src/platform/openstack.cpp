#include "platform/openstack.h"

#include <array>

#include "base/strings.h"
#include "platform/read.h"
#include "platform/sources.h"

namespace diatom::platform {
namespace {

constexpr std::string_view kRoot = "openstack/latest/";

// Reads one document of "openstack/latest/", wherever it is.
using Find = std::function<Task<std::optional<Document>>(std::string name)>;

Task<void> add_vendor_data(Instance& instance, const Find& find) {
    // The second comes from services that a deployer runs, and lies above the static first.
    const std::array<std::string, 2> names{"vendor_data.json", "vendor_data2.json"};
    for (const auto& name : names) {
        auto found = co_await find(name);
        const auto document = CO_TRY(std::move(found));
        if (!document) continue;
        auto read = openstack_vendor_data(document->bytes, document->from);
        if (!read) instance.warnings.push_back(read.error().what());
        else
            for (auto& each : *read) instance.vendor_data.push_back(std::move(each));
    }
    co_return Result<void>{};
}

Task<Instance> read_with(const Find& find) {
    auto found = co_await find("meta_data.json");
    const auto meta_data = CO_TRY(std::move(found));
    if (!meta_data) co_return fail(Kind::not_found, "there is no openstack/latest/meta_data.json");
    Instance instance;
    CO_TRY(apply_openstack(instance, meta_data->bytes, meta_data->from));
    auto user_data = co_await find("user_data");
    instance.user_data = CO_TRY(std::move(user_data));
    auto network = co_await find("network_data.json");
    instance.network_config = CO_TRY(std::move(network));
    instance.network_form = NetworkForm::openstack;
    auto added = co_await add_vendor_data(instance, find);
    CO_TRY(std::move(added));
    co_return std::move(instance);
}

// Proxmox and old drives: a file in Debian's form, which meta_data.json names.
Result<void> add_content_network(Instance& instance, const Directory& directory) {
    const auto path = text_at(json_member(instance.metadata, "network_config"), "content_path");
    if (instance.network_config || path.empty()) return {};
    instance.network_config = TRY(directory.document("openstack/" + path));
    instance.network_form = NetworkForm::debian_interfaces;
    return {};
}

// A drive that speaks EC2's language alone.
Result<Instance> read_ec2_drive(const Directory& directory) {
    const auto metadata = TRY(directory.read("ec2/latest/meta-data.json"));
    if (!metadata) return fail(Kind::not_found, "the config drive has neither openstack/latest nor ec2/latest");
    Instance instance;
    const auto from = directory.place("ec2/latest/meta-data.json");
    apply_metadata(instance, TRY(read_metadata(*metadata, from)), from);
    set(instance, &Instance::zone, "zone", text_at(json_member(instance.metadata, "placement"), "availability-zone"),
        from);
    instance.user_data = TRY(directory.document("ec2/latest/user-data"));
    return instance;
}

}  // namespace

Result<void> apply_openstack(Instance& instance, std::string_view meta_data_json, const std::string& from) {
    auto metadata = TRY(read_json(meta_data_json, from));
    if (!metadata.is_object()) return fail(Kind::invalid, "{}: not an object", from);
    metadata.erase("random_seed");
    metadata.erase("admin_pass");
    set(instance, &Instance::instance_id, "instance_id", text_at(metadata, {"uuid", "instance-id"}), from);
    set(instance, &Instance::hostname, "hostname", text_at(metadata, {"hostname", "name", "local-hostname"}), from);
    set(instance, &Instance::zone, "zone", text_at(metadata, "availability_zone"), from);
    auto keys = public_keys(json_member(metadata, "public_keys"));
    if (const auto& listed = json_member(metadata, "keys"); listed.is_array()) {
        for (const auto& key : listed) {
            if (text_at(key, "type") == "ssh") add_public_keys(keys, text_at(key, "data"));
        }
    }
    set_keys(instance, std::move(keys), from);
    if (json_member(metadata, "files").is_array() && !json_member(metadata, "files").empty())
        instance.warnings.push_back(from + ": files are injected, which OpenStack gave up: use user-data for them");
    instance.metadata = std::move(metadata);
    instance.origins["metadata"] = from;
    return {};
}

Result<std::vector<Document>> openstack_vendor_data(std::string_view json, const std::string& from) {
    const auto parsed = TRY(read_json(json, from));
    const Json* value = &parsed;
    if (value->is_object()) value = &json_member(*value, "cloud-init");
    std::vector<Document> documents;
    const auto add = [&](const Json& item) {
        if (item.is_string() && !item.get_ref<const std::string&>().empty())
            documents.push_back({.bytes = item.get<std::string>(), .from = from});
    };
    add(*value);
    if (value->is_array())
        for (const auto& item : *value) add(item);
    return documents;
}

Task<Instance> read_config_drive(Access& access, Candidate candidate) {
    const auto path = CO_TRY(mounted(access, candidate));
    const auto directory = CO_TRY(Directory::open(path, candidate.label));
    const Find find = [&directory](std::string name) -> Task<std::optional<Document>> {
        co_return directory.document(std::string(kRoot) + name);
    };
    auto read = co_await read_with(find);
    if (!read && read.error().kind() == Kind::not_found) co_return read_ec2_drive(directory);
    auto instance = CO_TRY(std::move(read));
    CO_TRY(add_content_network(instance, directory));
    co_return std::move(instance);
}

Task<Instance> read_openstack(Access& access, Candidate) {
    auto servers = CO_TRY(servers_of(access.endpoints.openstack));
    for (auto& server : servers) server = at(server, "/openstack");
    auto asked = co_await access.fetcher.ask(servers, Request{});
    const auto versions = CO_TRY(std::move(asked));
    if (versions.status == 404) co_return fail(Kind::not_found, "the metadata service knows no /openstack");
    if (versions.status != 200) co_return refused(versions.status, shown(versions.asked));
    const Find find = [&access, server = versions.asked](std::string name) -> Task<std::optional<Document>> {
        const auto url = at(server, "/" + std::string(kRoot) + name);
        auto found = co_await access.fetcher.find(url, Request{});
        auto bytes = CO_TRY(std::move(found));
        if (!bytes) co_return std::nullopt;
        co_return Document{.bytes = std::move(*bytes), .from = shown(url)};
    };
    co_return co_await read_with(find);
}

}  // namespace diatom::platform
