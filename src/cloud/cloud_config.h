// cloud-config to the machine's configuration. Every key of cloud-init's and RancherOS's documentation is translated or
// answered: why it has no meaning here, and what has. Nothing is run, read or fetched.
// Thread side: any; calls the caller's functions on its thread. Source: cloud-init 25.2, "Module reference" and its
// schema-cloud-config-v1.json; RancherOS 1.5, config/types.go and config/schema.go.
#pragma once

#include <functional>
#include <optional>

#include "cloud/notes.h"

namespace diatom::cloud {

struct Options {
    // Whom cloud-init's user "default" is, and the keys and the password at the top level are for.
    std::string default_user = "root";
    // crypt(3) of a password in the clear; without it such passwords are refused.
    std::function<Result<std::string>(std::string_view password)> hash_password;
    std::optional<std::uint64_t> memory;  // bytes of the machine, which "swap: {size: auto}" goes by
};

struct Translation {
    Value document = Value::map();  // machine::check finds nothing in it; places are the user's
    std::vector<Warning> warnings;
    bool keeps_hostname = false;      // preserve_hostname: the platform's name is not taken either
    bool takes_platform_keys = true;  // allow_public_ssh_keys
};

Translation translate_cloud_config(const Value& config, const Options& options);

}  // namespace diatom::cloud
