// NoCloud: user-data, meta-data and, where they are, vendor-data and network-config: files of a file system labelled
// cidata, of a directory, or of a web server. Proxmox's drives are such ones.
// Source: docs.cloud-init.io, "NoCloud" (24.4).
#include "base/strings.h"
#include "platform/read.h"
#include "platform/sources.h"

namespace diatom::platform {
namespace {

// What of the machine may stand in a seed's URL: "http://10.0.2.2/__dmi.chassis-serial-number__/".
std::string fill_in(std::string text, const Facts& facts) {
    const std::pair<std::string_view, const std::string&> values[] = {
        {"__dmi.chassis-serial-number__", facts.dmi.chassis_serial},
        {"__dmi.system-serial-number__", facts.dmi.product_serial},
        {"__dmi.system-uuid__", facts.dmi.product_uuid},
        {"__dmi.system-manufacturer__", facts.dmi.sys_vendor},
        {"__dmi.system-product-name__", facts.dmi.product_name},
    };
    for (const auto& [name, value] : values) {
        for (auto at = text.find(name); at != std::string::npos; at = text.find(name, at + value.size())) {
            text.replace(at, name.size(), value);
        }
    }
    return text;
}

struct Seed {
    Json metadata = Json::object();
    std::string metadata_from;
    std::optional<Document> user_data, vendor_data, network_config;
    bool found = false;
};

Result<Seed> read_directory(const Directory& directory) {
    Seed seed;
    if (const auto text = TRY(directory.read("meta-data"))) {
        seed.metadata_from = directory.place("meta-data");
        seed.metadata = TRY(read_metadata(*text, seed.metadata_from));
        seed.found = true;
    }
    seed.user_data = TRY(directory.document("user-data"));
    seed.vendor_data = TRY(directory.document("vendor-data"));
    seed.network_config = TRY(directory.document("network-config"));
    seed.found = seed.found || seed.user_data;
    return seed;
}

Task<std::optional<Document>> find(Access& access, const Url& base, std::string_view name) {
    const auto url = at(base, base.target + std::string(name));
    Request request;
    request.of_platform = false;
    auto found = co_await access.fetcher.find(url, std::move(request));
    auto bytes = CO_TRY(std::move(found));
    if (!bytes) co_return std::nullopt;
    co_return Document{.bytes = std::move(*bytes), .from = shown(url)};
}

// Each file is the seed's URL with its name behind it.
Task<Seed> read_server(Access& access, std::string from) {
    const auto base = CO_TRY(Url::parse(from), "seed");
    Seed seed;
    auto metadata = co_await find(access, base, "meta-data");
    if (auto document = CO_TRY(std::move(metadata))) {
        seed.metadata = CO_TRY(read_metadata(document->bytes, document->from));
        seed.metadata_from = document->from;
    } else {
        co_return fail(Kind::io, "{}: the seed has no meta-data", shown(base));
    }
    auto user_data = co_await find(access, base, "user-data");
    seed.user_data = CO_TRY(std::move(user_data));
    auto vendor_data = co_await find(access, base, "vendor-data");
    seed.vendor_data = CO_TRY(std::move(vendor_data));
    auto network_config = co_await find(access, base, "network-config");
    seed.network_config = CO_TRY(std::move(network_config));
    seed.found = true;
    co_return std::move(seed);
}

Task<Seed> read_from(Access& access, std::string from) {
    if (!from.starts_with('/')) co_return co_await read_server(access, std::move(from));
    const auto directory = CO_TRY(Directory::open(from, from));
    co_return read_directory(directory);
}

// What `upper` has replaces what `lower` has; metadata is merged key by key.
Seed on_top(Seed lower, Seed upper) {
    for (auto& [key, value] : upper.metadata.items()) lower.metadata[key] = std::move(value);
    if (!upper.metadata_from.empty()) lower.metadata_from = std::move(upper.metadata_from);
    if (upper.user_data) lower.user_data = std::move(upper.user_data);
    if (upper.vendor_data) lower.vendor_data = std::move(upper.vendor_data);
    if (upper.network_config) lower.network_config = std::move(upper.network_config);
    lower.found = lower.found || upper.found;
    return lower;
}

Instance make(Seed seed, const NoCloudSeed& named) {
    Instance instance;
    apply_metadata(instance, std::move(seed.metadata), seed.metadata_from);
    set(instance, &Instance::hostname, "hostname", named.hostname, "the seed's h=");
    set(instance, &Instance::instance_id, "instance_id", named.instance_id, "the seed's i=");
    if (instance.instance_id.empty()) instance.instance_id = "nocloud";
    instance.user_data = std::move(seed.user_data);
    if (seed.vendor_data) instance.vendor_data.push_back(std::move(*seed.vendor_data));
    instance.network_config = std::move(seed.network_config);
    return instance;
}

}  // namespace

Task<Instance> read_nocloud(Access& access, Candidate candidate) {
    Seed seed;
    if (!candidate.label.empty()) {
        const auto path = CO_TRY(mounted(access, candidate));
        const auto directory = CO_TRY(Directory::open(path, candidate.label));
        seed = CO_TRY(read_directory(directory));
    }
    std::string from = candidate.seed.from;
    if (from.empty()) from = text_at(seed.metadata, "seedfrom");
    if (!from.empty()) {
        auto read = co_await read_from(access, fill_in(std::move(from), access.facts));
        auto upper = CO_TRY(std::move(read));
        seed = on_top(std::move(seed), std::move(upper));
    }
    const bool said = !candidate.seed.hostname.empty() || !candidate.seed.instance_id.empty();
    if (!seed.found && !said) co_return fail(Kind::not_found, "there is neither meta-data nor user-data");
    co_return make(std::move(seed), candidate.seed);
}

Task<Instance> read_files(Access& access, Candidate) {
    const auto opened = Directory::open(access.files, access.files);
    if (!opened) co_return fail(Kind::not_found, "{}", opened.error().what());
    auto seed = CO_TRY(read_directory(*opened));
    if (!seed.found) co_return fail(Kind::not_found, "{} has neither meta-data nor user-data", access.files);
    auto instance = make(std::move(seed), {});
    if (!instance.metadata.contains("instance-id")) instance.instance_id.clear();  // the platform says which
    co_return std::move(instance);
}

// The document alone: neither instance nor host name comes with it.
Task<Instance> read_url(Access& access, Candidate candidate) {
    Instance instance;
    if (candidate.url.starts_with('/') || candidate.url.starts_with("file://")) {
        const auto path = candidate.url.substr(candidate.url.starts_with('/') ? 0 : 7);
        const auto slash = path.rfind('/');
        const auto directory = CO_TRY(Directory::open(path.substr(0, slash + 1), path.substr(0, slash + 1)));
        instance.user_data = CO_TRY(directory.document(path.substr(slash + 1)));
        if (!instance.user_data) co_return fail(Kind::not_found, "{} is not there, or empty", path);
        co_return std::move(instance);
    }
    const auto url = CO_TRY(Url::parse(candidate.url));
    Request request;
    request.of_platform = false;
    auto got = co_await access.fetcher.get(url, std::move(request));
    auto bytes = CO_TRY(std::move(got));
    instance.user_data = Document{.bytes = std::move(bytes), .from = shown(url)};
    co_return std::move(instance);
}

}  // namespace diatom::platform
