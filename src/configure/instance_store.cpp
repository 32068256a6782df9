#include "configure/instance_store.h"

#include <unistd.h>

#include <algorithm>

#include "base/strings.h"
#include "configure/digest.h"
#include "sys/file.h"

namespace diatom::configure {
namespace {

using platform::Document;
using platform::Instance;
using platform::NetworkForm;
using platform::Platform;

constexpr const char* kBoot = "/run/diatom/instance-id";
constexpr const char* kInstances = "/var/lib/diatom/instances";
constexpr std::size_t kMaxHanded = 256U << 20U, kMaxName = 100;

Json encode(const Document& document) { return {{"bytes", encode_base64(document.bytes)}, {"from", document.from}}; }

Json encode(const Instance& instance) {
    Json json{{"platform", to_string(instance.platform)},
              {"cloud", instance.cloud},
              {"instance_id", instance.instance_id},
              {"hostname", instance.hostname},
              {"public_keys", instance.public_keys},
              {"region", instance.region},
              {"zone", instance.zone},
              {"instance_type", instance.instance_type},
              {"network_form", static_cast<int>(instance.network_form)},
              {"metadata", instance.metadata},
              {"origins", instance.origins}};
    if (instance.user_data) json["user_data"] = encode(*instance.user_data);
    if (instance.network_config) json["network_config"] = encode(*instance.network_config);
    for (const auto& document : instance.vendor_data) json["vendor_data"].push_back(encode(document));
    return json;
}

// What is not there, or of another type, is empty: the file is ours.
std::string text_of(const Json& json, const char* key) {
    const auto& member = json_member(json, key);
    return member.is_string() ? member.get<std::string>() : std::string();
}

std::optional<Document> decode_document(const Json& json) {
    auto bytes = decode_base64(text_of(json, "bytes"));
    if (!json.is_object() || !bytes) return std::nullopt;
    return Document{.bytes = std::move(*bytes), .from = text_of(json, "from")};
}

Platform platform_of(std::string_view name) {
    for (int i = 0; i <= static_cast<int>(Platform::url); ++i) {
        if (to_string(static_cast<Platform>(i)) == name) return static_cast<Platform>(i);
    }
    return Platform::none;
}

Instance decode_instance(const Json& json) {
    Instance instance;
    instance.platform = platform_of(text_of(json, "platform"));
    instance.cloud = text_of(json, "cloud");
    instance.instance_id = text_of(json, "instance_id");
    instance.hostname = text_of(json, "hostname");
    instance.region = text_of(json, "region");
    instance.zone = text_of(json, "zone");
    instance.instance_type = text_of(json, "instance_type");
    for (const auto& key : json_member(json, "public_keys")) {
        if (key.is_string()) instance.public_keys.push_back(key.get<std::string>());
    }
    const auto& form = json_member(json, "network_form");
    if (form.is_number_integer() && form.get<int>() >= 0 && form.get<int>() <= 2)
        instance.network_form = static_cast<NetworkForm>(form.get<int>());
    if (json_member(json, "metadata").is_object()) instance.metadata = json_member(json, "metadata");
    for (const auto& [key, from] : json_member(json, "origins").items()) {
        if (from.is_string()) instance.origins[key] = from.get<std::string>();
    }
    instance.user_data = decode_document(json_member(json, "user_data"));
    instance.network_config = decode_document(json_member(json, "network_config"));
    for (const auto& document : json_member(json, "vendor_data")) {
        if (auto decoded = decode_document(document)) instance.vendor_data.push_back(std::move(*decoded));
    }
    return instance;
}

bool is_name(std::string_view text) {
    const auto odd = [](char c) {
        return !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '-' && c != '_' &&
               c != '.';
    };
    return !text.empty() && text.size() <= kMaxName && text.front() != '.' && std::ranges::none_of(text, odd);
}

}  // namespace

Json encode(const Handed& handed) {
    Json list = Json::array();
    for (const auto& instance : handed.instances) list.push_back(encode(instance));
    return {{"looks", handed.looks}, {"instances", std::move(list)}};
}

Result<Handed> decode_handed(const Json& document) {
    if (!document.is_object()) return fail(Kind::corrupt, "what an instance was handed is no object");
    Handed handed{.looks = text_of(document, "looks"), .instances = {}};
    for (const auto& instance : json_member(document, "instances"))
        handed.instances.push_back(decode_instance(instance));
    return handed;
}

std::string instance_id_of(const Handed& handed) {
    std::string id;
    for (const auto& instance : handed.instances) {
        if (!instance.instance_id.empty()) id = instance.instance_id;
    }
    if (is_name(id) && id != "current") return id;
    return "i-" + sha256_hex(id.empty() ? handed.looks : id).substr(0, 32);
}

std::string InstanceStore::current() const {
    const auto id = sys::read_file(root_.at(kBoot), 256).value_or("");
    return is_name(id) ? id : std::string();
}

std::optional<Handed> InstanceStore::last(std::string_view looks) const {
    const auto id = sys::read_file(root_.at(kInstances) + "/current", 256).value_or("");
    auto handed = is_name(id) ? read(id) : std::nullopt;
    if (!handed || handed->looks != looks) return std::nullopt;
    return handed;
}

std::optional<Handed> InstanceStore::read(std::string_view id) const {
    const auto file = directory(id) + "/handed.json";
    const auto text = sys::read_file(file, kMaxHanded);
    const auto document = text ? parse_json(*text, file) : Result<Json>(std::unexpected(text.error()));
    auto handed = document ? decode_handed(*document) : Result<Handed>(std::unexpected(document.error()));
    return handed ? std::optional(std::move(*handed)) : std::nullopt;
}

Result<bool> InstanceStore::keep(const std::string& id, const Handed& handed) const {
    TRY(sys::make_dirs(root_.at(kInstances), 0700));
    TRY(sys::make_dirs(directory(id), 0700));
    const auto text = dump_json(encode(handed)) + "\n", file = directory(id) + "/handed.json";
    const bool differs = sys::read_file(file, kMaxHanded).value_or("") != text;
    // Flash wears: what stands there already is not written again.
    if (differs) TRY(sys::write_file_atomic(file, text, 0600));
    const auto last = root_.at(kInstances) + "/current";
    if (sys::read_file(last, 256).value_or("") != id) TRY(sys::write_file_atomic(last, id, 0600));
    TRY(sys::make_dirs(root_.at("/run/diatom")));
    TRY(sys::replace_file(root_.at(kBoot), id));
    return differs;
}

std::string InstanceStore::directory(std::string_view id) const {
    return std::format("{}/{}", root_.at(kInstances), id.empty() ? "none" : id);
}

bool InstanceStore::was_done(std::string_view name) const {
    return sys::exists(std::format("{}/done/{}", directory(current()), name));
}

Result<void> InstanceStore::set_done(std::string_view name, std::string_view text) const {
    const auto done = directory(current()) + "/done";
    TRY(sys::make_dirs(done, 0700));
    // Never on the disk before what it says was done, on whichever file system that is.
    ::sync();
    return sys::write_file_atomic(std::format("{}/{}", done, name), text, 0600);
}

std::string InstanceStore::done_text(std::string_view name) const {
    return sys::read_file(std::format("{}/done/{}", directory(current()), name), 4096).value_or("");
}

}  // namespace diatom::configure
