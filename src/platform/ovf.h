// ovf-env.xml: what Azure puts on a machine's DVD, and what VMware and others hand over as OVF properties.
// Source: DMTF DSP0243 (OVF 1.1), section 11; cloud-init 24.4's pages "Azure" and "OVF"; the Azure Linux agent's
// ovf-env.xml. Thread side: any; bytes are untrusted.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace diatom::platform {

struct AzureProvisioning {
    std::string hostname, user_name;
    std::vector<std::string> public_keys;
    std::string custom_data;      // decoded
    bool has_password = false;    // of the user; it is not taken
    bool password_logins = true;  // DisableSshPasswordAuthentication
};
Result<AzureProvisioning> parse_azure_ovf(std::string_view xml, std::string_view what);

// The properties of an OVF environment: key → value.
Result<std::map<std::string, std::string>> parse_ovf_properties(std::string_view xml, std::string_view what);

}  // namespace diatom::platform
