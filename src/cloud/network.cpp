#include "cloud/network.h"

#include <array>

#include "cloud/interfaces.h"
#include "document/yaml_reader.h"

namespace diatom::cloud {
namespace {

void translate(const Value& value, const machine::Path& path, Draft& draft) {
    const Section network(value, path, draft.notes);
    if (!value.is_map()) return draft.notes.wrong(value, path, "a mapping");
    const auto* config = network.find("config");
    if (config != nullptr && config->scalar_text() == "disabled") {
        return network.refuse("config",
                              "the network is not left to others here: without interfaces of your own, all wired "
                              "ones ask DHCP; to have none, give them dhcp4: false");
    }
    // ConfigDrive's and some Proxmox's leave the version out of what can only be one.
    const auto version = network.has("version") ? network.number("version") : std::optional<std::int64_t>();
    if (version == 1 || (!network.has("version") && config != nullptr)) return translate_network_v1(network, draft);
    if (version == 2 || (!network.has("version") && network.has("ethernets")))
        return translate_network_v2(network, draft);
    draft.notes.bad(value, path / "version", "must be 1 or 2");
}

}  // namespace

void translate_network_key(const Section& config, Draft& draft) {
    if (const auto* network = config.find("network")) translate(*network, config.at("network"), draft);
}

Translation translate_network(const Value& network) {
    const Options options;
    Draft draft(options);
    const auto* inner = network.find("network");
    if (inner == nullptr) {
        translate(network, {}, draft);
    } else {
        static constexpr std::array kKeys{Known{"network"}};
        const Section whole(network, {}, draft.notes);
        whole.expect(kKeys);
        translate_network_key(whole, draft);
    }
    return draft.finish();
}

Result<Translation> read_network_config(std::string_view text, const std::string& file) {
    const auto documents = TRY(read_yaml(text, file));
    if (documents.empty()) return Translation{};
    return translate_network(documents.front());
}

}  // namespace diatom::cloud
