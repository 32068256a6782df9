// VMware: guestinfo where somebody can read it, else the OVF environment on a CD.
// Source: docs.cloud-init.io, "VMware" and "OVF" (24.4); coreos.github.io/ignition, "Supported platforms" (guestinfo).
#include <array>

#include "base/strings.h"
#include "platform/ovf.h"
#include "platform/read.h"
#include "platform/sources.h"

namespace diatom::platform {
namespace {

using Properties = std::map<std::string, std::string>;

std::string value(const Properties& properties, const std::string& key) {
    const auto it = properties.find(key);
    return it == properties.end() || it->second == "---" ? std::string() : it->second;  // "---": taken back
}

// The value of "guestinfo.NAME" with what "guestinfo.NAME.encoding" says done to it. User-data stays compressed: it
// says itself that it is.
Result<std::optional<Document>> decoded(const Properties& properties, const std::string& key) {
    const auto bytes = value(properties, key);
    if (bytes.empty()) return std::optional<Document>();
    const auto encoding = value(properties, key + ".encoding");
    const bool metadata = key == "guestinfo.metadata";
    return std::optional(
        Document{.bytes = TRY(decode_as(bytes, !metadata && encoding.starts_with("gz") ? "base64" : encoding, key)),
                 .from = key});
}

constexpr std::array kDocuments{"guestinfo.metadata", "guestinfo.userdata", "guestinfo.vendordata",
                                "guestinfo.ignition.config.data", "guestinfo.coreos.config.data"};

Task<Properties> ask_guestinfo(Access& access) {
    Properties properties;
    std::vector<std::string> names;
    for (const std::string key : kDocuments) {
        names.push_back(key);
        names.push_back(key + ".encoding");
    }
    for (const auto& name : names) {
        auto asked = co_await access.guestinfo(name);
        if (auto found = CO_TRY(std::move(asked), "read {}", name)) properties[name] = std::move(*found);
    }
    auto environment = co_await access.guestinfo("guestinfo.ovfEnv");
    if (auto xml = CO_TRY(std::move(environment), "read guestinfo.ovfEnv"); xml && xml->starts_with("<?xml")) {
        auto read = CO_TRY(parse_ovf_properties(*xml, "guestinfo.ovfEnv"));
        properties.merge(read);
    }
    co_return std::move(properties);
}

Result<void> apply_network(Instance& instance) {
    const Json& network = json_member(instance.metadata, "network");
    if (network.is_string()) {
        instance.network_config =
            Document{.bytes = TRY(decode_as(network.get<std::string>(), text_at(instance.metadata, "network.encoding"),
                                            "guestinfo.metadata: network")),
                     .from = "guestinfo.metadata network"};
    } else if (network.is_object()) {
        instance.network_config = Document{.bytes = dump_json(network), .from = "guestinfo.metadata network"};
    }
    return {};
}

// OVF's own names for what guestinfo has, as appliances are deployed with them.
Result<void> apply_ovf_names(Instance& instance, const Properties& properties, const std::string& from) {
    set(instance, &Instance::instance_id, "instance_id", value(properties, "instance-id"), from);
    set(instance, &Instance::hostname, "hostname", value(properties, "hostname"), from);
    std::vector<std::string> keys;
    add_public_keys(keys, value(properties, "public-keys"));
    set_keys(instance, std::move(keys), from);
    if (auto bytes = value(properties, "user-data"); !bytes.empty())
        instance.user_data = Document{.bytes = maybe_base64(std::move(bytes)), .from = from + " user-data"};
    if (!value(properties, "password").empty())
        instance.warnings.push_back(from + ": the password is not taken: give the machine SSH keys");
    return {};
}

Result<Instance> make(const Properties& properties, const std::string& from) {
    Instance instance;
    TRY(apply_ovf_names(instance, properties, from));
    if (const auto metadata = TRY(decoded(properties, "guestinfo.metadata"))) {
        apply_metadata(instance, TRY(read_metadata(metadata->bytes, metadata->from)), metadata->from);
        TRY(apply_network(instance));
    }
    for (const auto* key : {"guestinfo.userdata", "guestinfo.coreos.config.data", "guestinfo.ignition.config.data"}) {
        if (auto document = TRY(decoded(properties, key))) instance.user_data = std::move(document);
    }
    if (auto document = TRY(decoded(properties, "guestinfo.vendordata")))
        instance.vendor_data.push_back(std::move(*document));
    return instance;
}

}  // namespace

Task<Instance> read_vmware(Access& access, Candidate candidate) {
    Properties properties;
    std::string from = "guestinfo";
    if (access.guestinfo) {
        auto asked = co_await ask_guestinfo(access);
        properties = CO_TRY(std::move(asked));
    }
    if (properties.empty() && !candidate.label.empty()) {
        const auto path = CO_TRY(mounted(access, candidate));
        const auto directory = CO_TRY(Directory::open(path, candidate.label));
        from = directory.place("ovf-env.xml");
        if (const auto xml = CO_TRY(directory.read("ovf-env.xml")))
            properties = CO_TRY(parse_ovf_properties(*xml, from));
    }
    if (properties.empty() && !access.guestinfo)
        co_return fail(Kind::not_found,
                       "guestinfo is read by VMware's own tools only, which are not here, and there is no OVF "
                       "environment on a CD: use one of these, or a cidata file system");
    if (properties.empty()) co_return fail(Kind::not_found, "guestinfo and the OVF environment are empty");
    co_return make(properties, from);
}

}  // namespace diatom::platform
