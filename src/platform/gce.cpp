// Google's metadata server. Source: cloud.google.com/compute/docs/metadata ("Query VM metadata", "Predefined metadata
// keys") and /compute/docs/connect/add-ssh-keys.
#include "base/strings.h"
#include "platform/decode.h"
#include "platform/read.h"
#include "platform/sources.h"
#include "sys/clock.h"

namespace diatom::platform {
namespace {

constexpr std::string_view kFlavor = "Metadata-Flavor";

bool is_true(std::string_view text) {
    const auto lower = to_lower(trim(text));
    return lower == "true" || lower == "1" || lower == "y" || lower == "yes";
}

// "NAME:KEY google-ssh {"userName":…,"expireOn":"2018-11-04T20:12:00+0000"}": whether it still counts.
bool is_current(std::string_view key, std::int64_t now_ns) {
    const auto begin = key.find(" google-ssh {");
    if (begin == std::string_view::npos) return true;
    const auto about = read_json(key.substr(key.find('{', begin)), "key");
    if (!about) return false;
    auto until = text_at(*about, "expireOn");
    if (until.empty()) return true;
    // Google writes +0000 where RFC 3339 wants a colon.
    if (until.size() > 5 && (until[until.size() - 5] == '+' || until[until.size() - 5] == '-'))
        until.insert(until.size() - 2, ":");
    const auto end = sys::parse_rfc3339(until);
    return end && *end > now_ns;
}

void add_keys(std::vector<std::string>& keys, std::string_view lines, std::int64_t now_ns) {
    for (const auto line : split(lines, '\n')) {
        const auto halves = cut(trim(line), ':');
        // A line without a name is for nobody.
        if (halves && !halves->first.contains(' ') && is_current(halves->second, now_ns))
            add_public_keys(keys, halves->second);
    }
}

// The instance's keys, and the project's unless the instance blocks them. With OS Login neither counts.
void apply_keys(Instance& instance, const Json& of_instance, const Json& of_project, const std::string& from) {
    const auto login = text_at(of_instance, "enable-oslogin");
    if (is_true(login.empty() ? text_at(of_project, "enable-oslogin") : login)) {
        instance.warnings.push_back("OS Login is on, so the keys of the metadata do not count: name keys in user-data");
        return;
    }
    std::vector<std::string> keys;
    const auto now = sys::wall_ns();
    const auto old = text_at(of_instance, "sshKeys");
    add_keys(keys, text_at(of_instance, "ssh-keys"), now);
    add_keys(keys, old, now);
    if (old.empty() && !is_true(text_at(of_instance, "block-project-ssh-keys"))) {
        add_keys(keys, text_at(of_project, "ssh-keys"), now);
        add_keys(keys, text_at(of_project, "sshKeys"), now);
    }
    set_keys(instance, std::move(keys), from);
}

// "projects/1234/zones/europe-west1-b"
std::string last_part(const std::string& path) { return path.substr(path.rfind('/') + 1); }

Result<void> apply_user_data(Instance& instance, Json& attributes, const std::string& from) {
    auto bytes = text_at(attributes, "user-data");
    const auto encoding = text_at(attributes, "user-data-encoding");
    attributes.erase("user-data");
    if (bytes.empty()) return {};
    if (!encoding.empty()) bytes = TRY(decode_as(bytes, encoding, from + "instance/attributes/user-data"));
    if (!bytes.empty())
        instance.user_data = Document{.bytes = std::move(bytes), .from = from + "instance/attributes/user-data"};
    return {};
}

}  // namespace

Result<Instance> decode_gce(const std::string& text, const std::string& from) {
    auto tree = TRY(read_json(text, from));
    if (!json_member(tree, "instance").is_object()) return fail(Kind::corrupt, "{}: it tells of no instance", from);
    Instance instance;
    Json& about = tree["instance"];
    if (!json_member(about, "attributes").is_object()) about["attributes"] = Json::object();
    set(instance, &Instance::instance_id, "instance_id", text_at(about, "id"), from + "instance/id");
    set(instance, &Instance::hostname, "hostname", text_at(about, "hostname"), from + "instance/hostname");
    set(instance, &Instance::zone, "zone", last_part(text_at(about, "zone")), from + "instance/zone");
    set(instance, &Instance::region, "region", instance.zone.substr(0, instance.zone.rfind('-')),
        from + "instance/zone");
    set(instance, &Instance::instance_type, "instance_type", last_part(text_at(about, "machineType")),
        from + "instance/machine-type");
    TRY(apply_user_data(instance, about["attributes"], from));
    apply_keys(instance, about["attributes"], json_member(json_member(tree, "project"), "attributes"),
               from + "instance/attributes/ssh-keys");
    instance.metadata = std::move(tree);
    instance.origins["metadata"] = from;
    return instance;
}

Task<Instance> read_gce(Access& access, Candidate) {
    auto servers = CO_TRY(servers_of(access.endpoints.gce));
    for (auto& server : servers) server = at(server, "/computeMetadata/v1/?recursive=true&alt=json");
    Request request{.headers = {{std::string(kFlavor), "Google"}}};
    request.shown_header = kFlavor;
    auto asked = co_await access.fetcher.ask(std::move(servers), std::move(request));
    const auto answer = CO_TRY(std::move(asked));
    if (answer.status != 200) co_return refused(answer.status, shown(answer.asked));
    // Somebody else's server on this address must not configure the machine.
    if (answer.header != "Google")
        co_return fail(Kind::corrupt, "{}: the answer has no Metadata-Flavor: Google", shown(answer.asked));
    co_return decode_gce(answer.body, shown(answer.asked));
}

}  // namespace diatom::platform
