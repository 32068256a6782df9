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

}  // namespace

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
