// Amazon's instance metadata service, version 2 with its token and version 1 where there is no other, and those who
// speak its language.
// Source: docs.aws.amazon.com/AWSEC2/latest/UserGuide, "Use the Instance Metadata Service to access instance metadata",
// "Instance identity documents".
#include <algorithm>

#include "base/strings.h"
#include "platform/read.h"
#include "platform/sources.h"

namespace diatom::platform {
namespace {

constexpr std::string_view kRoot = "/latest/";
constexpr std::size_t kMaxToken = 4096;
constexpr int kMaxDepth = 8;
constexpr int kMostRequests = 300;  // of a walk through meta-data

// An answer without the service's shape: it has no version 2, or no PUT at all.
bool has_no_tokens(int status) { return status == 400 || status == 404 || status == 405 || status == 501; }

class Service {
public:
    explicit Service(Access& access) : access_(access) {}

    // Finds the server that answers, and asks it for a token.
    Task<void> open() {
        auto servers = CO_TRY(servers_of(access_.endpoints.ec2));
        for (auto& server : servers) server = at(server, "/latest/api/token");
        co_return co_await renew(std::move(servers));
    }

    Task<std::optional<std::string>> find(std::string path) {
        for (bool renewed = false;; renewed = true) {
            const auto url = at(server_, std::string(kRoot) + path);
            Request request;
            if (!token_.empty()) request.headers["X-aws-ec2-metadata-token"] = token_;
            auto asked = co_await access_.fetcher.ask(url, std::move(request));
            auto answer = CO_TRY(std::move(asked));
            if (answer.status == 401 && !renewed) {  // the token ran out, or one is wanted after all
                std::vector<Url> servers{at(server_, "/latest/api/token")};
                auto again = co_await renew(std::move(servers));
                CO_TRY(std::move(again));
                continue;
            }
            if (answer.status == 403)
                co_return fail(Kind::denied,
                               "{} is refused: allow the instance its metadata service (HttpEndpoint=enabled)",
                               shown(url));
            if (answer.status == 404 || answer.status == 204) co_return std::nullopt;
            if (answer.status != 200) co_return refused(answer.status, shown(url));
            co_return std::move(answer.body);
        }
    }

    std::string place(std::string_view path) const {
        return shown(at(server_, std::string(kRoot) + std::string(path)));
    }

private:
    Task<void> renew(std::vector<Url> servers) {
        token_.clear();
        Request request{.method = "PUT", .headers = {{"X-aws-ec2-metadata-token-ttl-seconds", "21600"}}};
        auto asked = co_await access_.fetcher.ask(std::move(servers), std::move(request));
        auto answer = CO_TRY(std::move(asked));
        server_ = answer.asked;
        if (has_no_tokens(answer.status)) co_return Result<void>{};
        if (answer.status == 403)
            co_return fail(Kind::denied,
                           "the token is refused: allow the instance its metadata service (HttpEndpoint=enabled)");
        if (answer.status != 200) co_return refused(answer.status, shown(server_));
        token_ = trim(answer.body);
        const auto printable = [](unsigned char c) { return c > ' ' && c < 0x7f; };
        if (token_.empty() || token_.size() > kMaxToken || !std::ranges::all_of(token_, printable))
            co_return fail(Kind::corrupt, "{} gives no token", shown(server_));
        co_return Result<void>{};
    }

    Access& access_;
    Url server_;
    std::string token_;
};

// Credentials have no place in templates.
bool is_secret(std::string_view entry) {
    return entry == "iam/" || entry == "identity-credentials/" || entry == "managed-ssh-keys/";
}

bool is_entry(std::string_view entry) {
    return !entry.empty() && entry != "../" && entry != "./" && entry.size() <= 256 &&
           std::ranges::all_of(entry,
                               [](unsigned char c) {
                                   return std::isalnum(c) != 0 ||
                                          std::string_view("-._:=/@+").contains(static_cast<char>(c));
                               }) &&
           entry.find('/') >= entry.size() - 1;
}

Json leaf(const std::string& text) {
    if (!text.contains('\n')) return text;
    Json lines = Json::array();
    for (const auto line : split(text, '\n')) {
        if (!line.empty()) lines.push_back(std::string(line));
    }
    return lines;
}

// "0=my-key": the entry's key is at 0/openssh-key.
Task<Json> read_key(Service& service, std::string path, std::string_view number) {
    auto found = co_await service.find(path + std::string(number) + "/openssh-key");
    const auto key = CO_TRY(std::move(found));
    co_return key ? Json(*key) : Json();
}

Task<Json> walk(Service& service, std::string path, int depth, int& left) {
    Json made = Json::object();
    auto listed = co_await service.find(path);
    const auto list = CO_TRY(std::move(listed));
    if (!list) co_return std::move(made);
    for (const auto line : split(*list, '\n')) {
        const std::string entry(trim(line));
        if (--left < 0) break;
        const auto key = entry.substr(0, entry.find('/'));
        if (const auto numbered = cut(entry, '='); numbered && path.ends_with("public-keys/")) {
            if (!parse_uint(numbered->first)) continue;
            auto read = co_await read_key(service, path, numbered->first);
            made[std::string(numbered->second)] = CO_TRY(std::move(read));
        } else if (!is_entry(entry) || is_secret(entry)) {
            continue;
        } else if (entry.ends_with('/') && depth < kMaxDepth) {
            auto inner = co_await walk(service, path + entry, depth + 1, left);
            made[key] = CO_TRY(std::move(inner));
        } else if (!entry.ends_with('/')) {
            auto found = co_await service.find(path + entry);
            if (const auto text = CO_TRY(std::move(found))) made[key] = leaf(*text);
        }
    }
    co_return std::move(made);
}

void apply_identity(Instance& instance, const std::string& text, const std::string& from) {
    const auto document = read_json(text, from);
    if (!document || !document->is_object()) {
        instance.warnings.push_back(from + ": not a JSON object, so it is ignored");
        return;
    }
    set(instance, &Instance::instance_id, "instance_id", text_at(*document, "instanceId"), from);
    set(instance, &Instance::region, "region", text_at(*document, "region"), from);
    set(instance, &Instance::zone, "zone", text_at(*document, "availabilityZone"), from);
    set(instance, &Instance::instance_type, "instance_type", text_at(*document, "instanceType"), from);
}

void apply_tree(Instance& instance, Json tree, const std::string& from) {
    apply_metadata(instance, std::move(tree), from);
    const Json& placement = json_member(instance.metadata, "placement");
    set(instance, &Instance::zone, "zone", text_at(placement, "availability-zone"), from + "placement/");
    set(instance, &Instance::region, "region", text_at(placement, "region"), from + "placement/");
    // Several DHCP names stand behind each other.
    instance.hostname = instance.hostname.substr(0, instance.hostname.find(' '));
}

}  // namespace

Task<Instance> read_ec2(Access& access, Candidate) {
    Service service(access);
    auto opened = co_await service.open();
    CO_TRY(std::move(opened));
    int left = kMostRequests;
    auto walked = co_await walk(service, "meta-data/", 0, left);
    auto tree = CO_TRY(std::move(walked));
    if (tree.empty()) co_return fail(Kind::not_found, "{} lists nothing", service.place("meta-data/"));
    Instance instance;
    if (left < 0) instance.warnings.push_back("the metadata has too many entries: the last of them are left out");
    apply_tree(instance, std::move(tree), service.place("meta-data/"));
    auto identity = co_await service.find("dynamic/instance-identity/document");
    if (const auto text = CO_TRY(std::move(identity)))
        apply_identity(instance, *text, service.place("dynamic/instance-identity/document"));
    auto user_data = co_await service.find("user-data");
    if (auto bytes = CO_TRY(std::move(user_data)); bytes && !bytes->empty())
        instance.user_data = Document{.bytes = std::move(*bytes), .from = service.place("user-data")};
    co_return std::move(instance);
}

}  // namespace diatom::platform
