#include "platform/read.h"

#include <fcntl.h>
#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "document/yaml_reader.h"
#include "sys/file.h"

namespace diatom::platform {
namespace {

constexpr std::size_t kMaxKey = 16U << 10U;  // RSA of 16384 bits, in base64 with options
constexpr std::size_t kMostKeys = 1000;

bool is_key(std::string_view line) {
    constexpr std::array<std::string_view, 5> kTypes{"ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-", "cert-authority"};
    if (line.size() > kMaxKey || line.starts_with('#')) return false;
    if (std::ranges::any_of(line, [](unsigned char c) { return c < ' ' && c != '\t'; })) return false;
    // Options may stand before the type.
    return std::ranges::any_of(kTypes, [&](std::string_view type) {
        return line.starts_with(type) || line.contains(" " + std::string(type));
    });
}

Result<std::string> inflate(std::string_view bytes, std::string_view what) {
    std::string out(kMaxDocument, '\0');
    inflate_state state{};
    isal_inflate_init(&state);
    state.crc_flag = ISAL_GZIP;
    state.next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(bytes.data()));
    state.avail_in = static_cast<std::uint32_t>(bytes.size());
    state.next_out = reinterpret_cast<std::uint8_t*>(out.data());
    state.avail_out = static_cast<std::uint32_t>(out.size());
    const int code = isal_inflate(&state);
    if (code != ISAL_DECOMP_OK || state.block_state != ISAL_BLOCK_FINISH)
        return fail(Kind::corrupt, "{}: no gzip, or more than {} of it", what, format_bytes(kMaxDocument));
    out.resize(out.size() - state.avail_out);
    return out;
}

}  // namespace

Json to_metadata(const Value& value) {
    switch (value.type()) {
        case Value::Type::null: return nullptr;
        case Value::Type::boolean: return value.boolean();
        case Value::Type::integer: return value.integer();
        case Value::Type::real: return value.real();
        case Value::Type::text: return value.text();
        case Value::Type::list: {
            Json list = Json::array();
            for (const auto& item : value.items()) list.push_back(to_metadata(item));
            return list;
        }
        case Value::Type::map: {
            Json map = Json::object();
            for (const auto& [key, member] : value.members()) map[key] = to_metadata(member);
            return map;
        }
    }
    return nullptr;
}

Result<Json> read_metadata(std::string_view text, const std::string& what) {
    const auto documents = read_yaml(text, what);
    // A reader's message may quote the line.
    if (!documents) return fail(documents.error().kind(), "{}: neither a mapping in YAML nor in JSON", what);
    return documents->empty() ? Json::object() : to_metadata(documents->front());
}

Result<Json> read_json(std::string_view text, const std::string& what) {
    auto parsed = parse_json(text, what);
    if (!parsed) return fail(parsed.error().kind(), "{}: not JSON", what);
    return parsed;
}

std::string text_at(const Json& object, std::string_view key) {
    const Json& value = json_member(object, key);
    if (value.is_string()) return value.get<std::string>();
    return value.is_number() || value.is_boolean() ? value.dump() : std::string();
}

std::string text_at(const Json& object, std::initializer_list<std::string_view> keys) {
    for (const auto key : keys) {
        if (auto text = text_at(object, key); !text.empty()) return text;
    }
    return {};
}

void add_public_keys(std::vector<std::string>& keys, std::string_view lines) {
    for (const auto line : split(lines, '\n')) {
        const std::string key(trim(line));
        if (is_key(key) && keys.size() < kMostKeys && std::ranges::find(keys, key) == keys.end()) keys.push_back(key);
    }
}

std::vector<std::string> public_keys(const Json& value) {
    std::vector<std::string> keys;
    const auto add = [&](const Json& item) {
        if (item.is_string()) add_public_keys(keys, item.get_ref<const std::string&>());
    };
    add(value);
    if (!value.is_structured()) return keys;
    for (const auto& item : value) {
        add(item);
        if (!item.is_array()) continue;
        for (const auto& inner : item) add(inner);
    }
    return keys;
}

std::string maybe_base64(std::string text) {
    std::string packed;
    std::ranges::copy_if(text, std::back_inserter(packed), [](unsigned char c) { return std::isspace(c) == 0; });
    if (packed.empty() || packed.size() % 4 != 0) return text;
    auto decoded = decode_base64(packed);
    return decoded ? std::move(*decoded) : text;
}

Result<std::string> decode_as(std::string_view bytes, std::string_view encoding, std::string_view what) {
    if (encoding.empty()) return std::string(bytes);
    const bool packed = encoding == "gzip+base64" || encoding == "gz+b64";
    if (!packed && encoding != "base64" && encoding != "b64")
        return fail(Kind::unsupported, "{}: its encoding is neither base64 nor gzip+base64", what);
    std::string text;
    std::ranges::copy_if(bytes, std::back_inserter(text), [](unsigned char c) { return std::isspace(c) == 0; });
    const auto decoded = decode_base64(text);
    if (!decoded) return fail(Kind::corrupt, "{}: not base64", what);
    return packed ? inflate(*decoded, what) : *decoded;
}

void set(Instance& instance, std::string Instance::* member, std::string_view name, std::string value,
         const std::string& from) {
    if (value.empty()) return;
    instance.*member = std::move(value);
    instance.origins[std::string(name)] = from;
}

void set_keys(Instance& instance, std::vector<std::string> keys, const std::string& from) {
    if (keys.empty()) return;
    instance.public_keys = std::move(keys);
    instance.origins["public_keys"] = from;
}

void apply_metadata(Instance& instance, Json metadata, const std::string& from) {
    set(instance, &Instance::instance_id, "instance_id", text_at(metadata, {"instance-id", "instance_id"}), from);
    set(instance, &Instance::hostname, "hostname", text_at(metadata, {"local-hostname", "local_hostname", "hostname"}),
        from);
    set(instance, &Instance::region, "region", text_at(metadata, "region"), from);
    set(instance, &Instance::zone, "zone", text_at(metadata, {"availability-zone", "availability_zone"}), from);
    set(instance, &Instance::instance_type, "instance_type", text_at(metadata, {"instance-type", "instance_type"}),
        from);
    for (const auto key : {"public-keys", "public_keys", "public-keys-data"}) {
        if (auto keys = public_keys(json_member(metadata, key)); !keys.empty())
            set_keys(instance, std::move(keys), from);
    }
    instance.metadata = std::move(metadata);
    if (!from.empty()) instance.origins["metadata"] = from;
}

Result<Directory> Directory::open(const std::string& path, std::string name) {
    auto directory = TRY(sys::open_path(path, O_RDONLY | O_DIRECTORY), "open {}", name);
    return Directory(std::move(directory), std::move(name));
}

Result<std::optional<std::string>> Directory::read(const std::string& path) const {
    // Not blocked by a pipe that was put in a file's place.
    const auto file = sys::open_in_root(directory_, path, O_RDONLY | O_NONBLOCK);
    if (!file && (file.error().error_number() == ENOENT || file.error().error_number() == ENOTDIR))
        return std::optional<std::string>();
    if (!file) return Failure(Error(file.error()).in("open " + place(path)));
    struct stat status{};
    if (::fstat(FdRef(*file).raw(), &status) != 0 || !S_ISREG(status.st_mode))
        return fail(Kind::invalid, "{} is no file", place(path));
    return std::optional(TRY(sys::read_all(*file, kMaxBody), "read {}", place(path)));
}

Result<std::optional<Document>> Directory::document(const std::string& path) const {
    auto bytes = TRY(read(path));
    if (!bytes || bytes->empty()) return std::optional<Document>();
    return std::optional(Document{.bytes = std::move(*bytes), .from = place(path)});
}

std::string Directory::place(std::string_view path) const { return std::format("{} on {}", path, name_); }

}  // namespace diatom::platform
