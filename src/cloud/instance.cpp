#include "cloud/instance.h"

#include <algorithm>

#include "base/strings.h"
#include "cloud/section.h"
#include "document/yaml_reader.h"

namespace diatom::cloud {
namespace {

constexpr std::string_view kOperators = "+-/*%~[](){}=<>!.:|,;";

void add_keys(const Value& value, std::vector<std::string>& keys) {
    if (value.is_text()) {
        for (const auto line : split(value.text(), '\n')) {
            if (const auto key = trim(line); !key.empty() && !key.starts_with('#')) keys.emplace_back(key);
        }
    }
    for (const auto& item : value.items()) add_keys(item, keys);
    for (const auto& member : value.members()) add_keys(member.second, keys);
}

Value with_aliases(const Value& value) {
    if (value.is_list()) {
        auto list = Value::list();
        for (const auto& item : value.items()) list.add(with_aliases(item));
        return list;
    }
    if (!value.is_map()) return value;
    auto map = Value::map();
    for (const auto& [key, member] : value.members()) map.set(key, with_aliases(member));
    for (const auto& [key, member] : value.members()) {
        auto alias = key;
        std::ranges::replace_if(alias, [](char c) { return kOperators.contains(c); }, '_');
        if (!map.has(alias)) map.set(alias, *map.find(key));
    }
    return map;
}

}  // namespace

std::vector<std::string> public_keys_of(const Value& value) {
    std::vector<std::string> keys;
    add_keys(value, keys);
    return keys;
}

Result<MetaData> read_meta_data(std::string_view text, const std::string& file) {
    MetaData meta_data;
    const auto documents = TRY(read_yaml(text, file));
    if (documents.empty()) return meta_data;
    meta_data.all = documents.front();
    Notes notes;
    const Section section(meta_data.all, {}, notes);
    // NoCloud, ConfigDrive and EC2 name the same things differently.
    for (const auto* key : {"instance_id", "uuid"}) {
        // Clouds write numbers, too.
        const auto* id = section.find(key);
        if (id != nullptr && !id->is_list() && !id->is_map() && meta_data.instance_id.empty())
            meta_data.instance_id = id->scalar_text();
    }
    for (const auto* key : {"local_hostname", "hostname", "name"}) {
        if (auto name = section.text(key); name && meta_data.hostname.empty()) meta_data.hostname = std::move(*name);
    }
    for (const auto* key : {"public_keys", "public_ssh_keys"}) {
        if (const auto* value = section.find(key)) meta_data.public_keys = public_keys_of(*value);
    }
    section.refuse("network_interfaces",
                   "the form of /etc/network/interfaces is not read: write a network-config of version 1 or 2");
    meta_data.warnings = notes.take();
    return meta_data;
}

Value machine_of(const MetaData& meta_data) {
    auto document = Value::map();
    if (!meta_data.hostname.empty()) document.set("hostname", placed(Value::of(meta_data.hostname), meta_data.all));
    if (!meta_data.public_keys.empty())
        document.set("ssh_authorized_keys", placed(Value::of(meta_data.public_keys), meta_data.all));
    return document;
}

Value instance_data(const MetaData& meta_data, const Platform& platform) {
    auto v1 = Value::map();
    v1.set("instance_id", meta_data.instance_id);
    v1.set("local_hostname", meta_data.hostname);
    v1.set("public_ssh_keys", Value::of(meta_data.public_keys));
    v1.set("cloud_name", platform.cloud_name);
    v1.set("platform", platform.platform);
    v1.set("subplatform", platform.subplatform);
    v1.set("region", platform.region);
    v1.set("availability_zone", platform.availability_zone);
    v1.set("distro", "diatom");
    v1.set("variant", "diatom");
    v1.set("distro_version", platform.version);
    v1.set("machine", platform.architecture);
    v1.set("kernel_release", platform.kernel);
    v1.set("system_platform", platform.architecture.empty() ? std::string() : "linux-" + platform.architecture);
    for (const auto* key : {"instance_id", "local_hostname", "cloud_name", "availability_zone"}) {
        std::string hyphened(key);
        std::ranges::replace(hyphened, '_', '-');
        v1.set(hyphened, Value(v1.at(key)));
    }
    auto data = v1;
    auto ds = Value::map();
    ds.set("meta_data", meta_data.all);
    data.set("v1", std::move(v1));
    data.set("ds", std::move(ds));
    return with_aliases(data);
}

}  // namespace diatom::cloud
