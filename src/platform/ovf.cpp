#include "platform/ovf.h"

#include <algorithm>

#include "base/strings.h"
#include "platform/read.h"
#include "platform/xml.h"

namespace diatom::platform {

Result<AzureProvisioning> parse_azure_ovf(std::string_view xml, std::string_view what) {
    const auto root = TRY(parse_xml(xml, what));
    if (root.name != "Environment") return fail(Kind::invalid, "{}: its root is no Environment", what);
    const auto* set = root.find({"ProvisioningSection", "LinuxProvisioningConfigurationSet"});
    if (set == nullptr) return fail(Kind::not_found, "{}: it has no LinuxProvisioningConfigurationSet", what);
    AzureProvisioning made;
    made.hostname = set->text_at({"HostName"});
    made.user_name = set->text_at({"UserName"});
    made.has_password = !set->text_at({"UserPassword"}).empty();
    made.password_logins = to_lower(set->text_at({"DisableSshPasswordAuthentication"})) != "true";
    made.custom_data = TRY(decode_as(set->text_at({"CustomData"}), "base64", std::string(what) + ": CustomData"));
    if (const auto* keys = set->find({"SSH", "PublicKeys"})) {
        for (const auto& key : keys->children) add_public_keys(made.public_keys, key.text_at({"Value"}));
    }
    return made;
}

Result<std::map<std::string, std::string>> parse_ovf_properties(std::string_view xml, std::string_view what) {
    const auto root = TRY(parse_xml(xml, what));
    if (root.name != "Environment") return fail(Kind::invalid, "{}: its root is no Environment", what);
    std::map<std::string, std::string> properties;
    if (const auto* section = root.child("PropertySection")) {
        for (const auto& property : section->children) {
            if (property.name == "Property") properties[property.attribute("key")] = property.attribute("value");
        }
    }
    return properties;
}

}  // namespace diatom::platform
