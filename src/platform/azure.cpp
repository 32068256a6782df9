// Azure: the instance metadata service, and ovf-env.xml on the provisioning DVD.
// Source: learn.microsoft.com/azure/virtual-machines/instance-metadata-service (API versions, errors, user data) and
// /linux/provisioning; custom data: /custom-data.
#include "base/strings.h"
#include "platform/decode.h"
#include "platform/ovf.h"
#include "platform/read.h"
#include "platform/sources.h"

namespace diatom::platform {
namespace {

constexpr std::string_view kPath = "/metadata/instance?api-version=";
constexpr std::string_view kVersion = "2021-08-01&extended=true";
constexpr std::string_view kOlder = "2019-06-01";  // on hosts that were not updated

Task<Answer> ask(Access& access, std::string_view version) {
    auto servers = CO_TRY(servers_of(access.endpoints.azure));
    for (auto& server : servers) server = at(server, std::string(kPath) + std::string(version));
    Request request{.headers = {{"Metadata", "true"}}};
    request.passing = {404, 410};  // while the host makes itself ready, for a minute or so
    co_return co_await access.fetcher.ask(std::move(servers), std::move(request));
}

Result<void> apply_compute(Instance& instance, Json& compute, const std::string& from) {
    set(instance, &Instance::instance_id, "instance_id", to_lower(text_at(compute, "vmId")), from);
    set(instance, &Instance::region, "region", text_at(compute, "location"), from);
    set(instance, &Instance::zone, "zone", text_at(compute, "zone"), from);
    set(instance, &Instance::instance_type, "instance_type", text_at(compute, "vmSize"), from);
    set(instance, &Instance::hostname, "hostname", text_at(compute, "name"), from);
    set(instance, &Instance::hostname, "hostname", text_at(json_member(compute, "osProfile"), "computerName"), from);
    std::vector<std::string> keys;
    if (const auto& listed = json_member(compute, "publicKeys"); listed.is_array()) {
        for (const auto& key : listed) {
            auto text = text_at(key, "keyData");
            std::erase(text, '\r');
            add_public_keys(keys, text);
        }
    }
    set_keys(instance, std::move(keys), from);
    auto bytes = TRY(decode_as(text_at(compute, "userData"), "base64", from + ": userData"));
    compute.erase("userData");
    if (!bytes.empty()) instance.user_data = Document{.bytes = std::move(bytes), .from = from + " userData"};
    return {};
}

// Custom data comes before user data: it is what `az vm create --custom-data` has always given to cloud-init.
Result<void> apply_dvd(Instance& instance, const Directory& directory) {
    const auto text = TRY(directory.read("ovf-env.xml"));
    if (!text) return {};
    const auto from = directory.place("ovf-env.xml");
    auto made = TRY(parse_azure_ovf(*text, from));
    if (instance.hostname.empty()) set(instance, &Instance::hostname, "hostname", std::move(made.hostname), from);
    if (instance.public_keys.empty()) set_keys(instance, std::move(made.public_keys), from);
    if (!made.custom_data.empty())
        instance.user_data = Document{.bytes = std::move(made.custom_data), .from = from + " CustomData"};
    if (made.has_password && made.password_logins)
        instance.warnings.push_back(from + ": the user's password is not taken: give the machine SSH keys");
    return {};
}

}  // namespace

Result<Instance> decode_azure(const std::string& text, const std::string& from) {
    auto tree = TRY(read_json(text, from));
    if (!json_member(tree, "compute").is_object()) return fail(Kind::corrupt, "{}: it tells of no machine", from);
    Instance instance;
    TRY(apply_compute(instance, tree["compute"], from));
    instance.metadata = std::move(tree);
    instance.origins["metadata"] = from;
    return instance;
}

Task<Instance> read_azure(Access& access, Candidate candidate) {
    auto asked = co_await ask(access, kVersion);
    auto answer = CO_TRY(std::move(asked));
    if (answer.status == 400) {
        auto again = co_await ask(access, kOlder);
        answer = CO_TRY(std::move(again));
    }
    if (answer.status != 200) co_return refused(answer.status, shown(answer.asked));
    auto instance = CO_TRY(decode_azure(answer.body, shown(answer.asked)));
    if (!candidate.label.empty()) {
        const auto path = CO_TRY(mounted(access, candidate));
        const auto directory = CO_TRY(Directory::open(path, candidate.label));
        CO_TRY(apply_dvd(instance, directory));
    }
    co_return std::move(instance);
}

}  // namespace diatom::platform
