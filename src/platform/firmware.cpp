// QEMU's fw_cfg: what `-fw_cfg name=…,file=…` gives to the machine.
// Source: docs/specs/fw_cfg.rst of QEMU 9.2; coreos.github.io/ignition, "Supported platforms" (qemu);
// flatcar.org/docs ("Running Flatcar on QEMU"); systemd.system-credentials(7) of systemd 257.
#include <array>

#include "base/strings.h"
#include "platform/read.h"
#include "platform/sources.h"

namespace diatom::platform {
namespace {

constexpr const char* kName = "fw_cfg";

// Below by_name stand links to by_key.
Result<std::optional<Document>> item(const Directory& directory, const std::string& name) {
    auto document = TRY(directory.document("by_name/" + name + "/raw"));
    if (document) document->from = std::format("{} {}", kName, name);
    return document;
}

}  // namespace

Task<Instance> read_firmware(Access& access, Candidate) {
    auto opened = Directory::open(access.firmware, kName);
    if (!opened) co_return fail(Kind::not_found, "{}", opened.error().what());
    const auto& directory = *opened;
    Instance instance;
    bool found = false;
    if (const auto metadata = CO_TRY(item(directory, "opt/diatom/meta-data"))) {
        auto tree = CO_TRY(read_metadata(metadata->bytes, metadata->from));
        apply_metadata(instance, std::move(tree), metadata->from);
        found = true;
    }
    const std::array<std::string, 3> names{"opt/org.flatcar-linux/config", "opt/com.coreos/config",
                                           "opt/diatom/user-data"};
    for (const auto& name : names) {
        if (auto document = CO_TRY(item(directory, name))) instance.user_data = std::move(document);
    }
    if (auto document = CO_TRY(item(directory, "opt/diatom/vendor-data")))
        instance.vendor_data.push_back(std::move(*document));
    instance.network_config = CO_TRY(item(directory, "opt/diatom/network-config"));
    if (const auto keys = CO_TRY(item(directory, "opt/io.systemd.credentials/ssh.authorized_keys.root"))) {
        auto all = instance.public_keys;
        add_public_keys(all, keys->bytes);
        set_keys(instance, std::move(all), keys->from);
        found = true;
    }
    if (const auto name = CO_TRY(item(directory, "opt/io.systemd.credentials/system.hostname"))) {
        set(instance, &Instance::hostname, "hostname", std::string(trim(name->bytes)), name->from);
        found = true;
    }
    if (!found && !instance.user_data) co_return fail(Kind::not_found, "fw_cfg has no items for us");
    co_return std::move(instance);
}

}  // namespace diatom::platform
