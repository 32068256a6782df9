// The documents of OpenStack's metadata, the same on a config drive and from the service. Thread side: any; pure.
// Source: docs.openstack.org/nova/2024.2, "Metadata" (user and admin guide); its meta_data.json and vendordata.
#pragma once

#include "platform/instance.h"

namespace diatom::platform {

// Without the seed for random numbers and the administrator's password, which are nothing for templates.
Result<void> apply_openstack(Instance& instance, std::string_view meta_data_json, const std::string& from);

// vendor_data.json: a text, a list of texts, or either of them under "cloud-init". Nothing is no mistake.
Result<std::vector<Document>> openstack_vendor_data(std::string_view json, const std::string& from);

}  // namespace diatom::platform
