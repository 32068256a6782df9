#include <algorithm>
#include <iterator>

#include "base/json.h"
#include "image/registry_push.h"

namespace diatom::image {
namespace {

Task<Platform> platform_of(RegistrySession& session, Digest config) {
    auto answered = co_await session.get("blobs/" + config.text(), {});
    const auto response = CO_TRY(std::move(answered));
    auto read = co_await response->read_all(kMaxManifest);
    const auto text = CO_TRY(std::move(read), "image configuration");
    if (Digest::of(text) != config) co_return fail(Kind::corrupt, "{}: the registry sent other bytes", config.text());
    auto decoded = CO_TRY(ImageConfig::decode(text));
    co_return std::move(decoded.platform);
}

// What follows a page, below the repository's path, as the Link header (RFC 8288) has it: </v2/app/tags/list?last=b>;
// rel="next". Empty: nothing.
std::string next_page(std::string_view link) {
    constexpr std::string_view kList = "/tags/list?";
    const auto end = link.find('>');
    if (!link.starts_with('<') || end == std::string_view::npos || !link.substr(end).contains("next")) return {};
    const auto target = link.substr(1, end - 1);
    const auto list = target.find(kList);
    return list == std::string_view::npos ? std::string() : std::string(target.substr(list + 1));
}

}  // namespace

Task<std::vector<std::string>> list_tags(RegistrySession& session) {
    constexpr int kMostPages = 200;
    std::vector<std::string> tags;
    std::string path = "tags/list";
    for (int page = 0; page < kMostPages; ++page) {
        auto answered = co_await session.get(path, {});
        const auto response = CO_TRY(std::move(answered));
        auto read = co_await response->read_all(kMaxManifest);
        const auto text = CO_TRY(std::move(read), "list of tags");
        const auto document = CO_TRY(parse_json(text, "list of tags"));
        auto listed = CO_TRY(json_strings(document, "tags"), "list of tags");
        std::ranges::move(listed, std::back_inserter(tags));
        path = next_page(response->header("Link"));
        if (path.empty()) co_return tags;
    }
    co_return fail(Kind::unavailable, "{} lists tags without an end: stopped after {} pages",
                   session.base().authority(), kMostPages);
}

Task<Described> describe_image(RegistrySession& session, Reference reference) {
    const auto name = reference.digest.empty() ? reference.tag : reference.digest.text();
    std::map<std::string, std::string> headers{{"Accept", kAcceptManifest}};
    auto answered = co_await session.get("manifests/" + name, std::move(headers));
    const auto response = CO_TRY(std::move(answered));
    auto read = co_await response->read_all(kMaxManifest);
    const auto text = CO_TRY(std::move(read), "manifest {}", name);
    const auto type = response->header("Content-Type");
    auto document = CO_TRY(decode_manifest(text, type), "manifest {}", name);
    Described described;
    described.descriptor = {type, Digest::of(text), text.size(), {}};
    if (!reference.digest.empty() && reference.digest != described.descriptor.digest)
        co_return fail(Kind::corrupt, "{}: the registry sent bytes with digest {}", name,
                       described.descriptor.digest.text());
    if (const auto* index = std::get_if<Index>(&document)) {
        for (const auto& entry : index->manifests) {
            if (entry.platform) described.platforms.push_back(*entry.platform);
        }
        co_return described;
    }
    auto platform = co_await platform_of(session, std::get<Manifest>(document).config.digest);
    described.platforms.push_back(CO_TRY(std::move(platform)));
    co_return described;
}

}  // namespace diatom::image
