// A translation in the making, and its chapters. Only cloud_config.cpp, network.cpp and rancher.cpp begin one.
// Thread side: any.
#pragma once

#include <initializer_list>

#include "cloud/cloud_config.h"
#include "cloud/section.h"

namespace diatom::cloud {

struct Draft {
    explicit Draft(const Options& given) : options(given), default_user(given.default_user) {}

    // The mapping at these keys; made where it is not, with the place of `from`. Good until another is made.
    Value& part(std::initializer_list<std::string_view> keys, const Value& from);
    // Adds to the list below `part`.
    void add(std::initializer_list<std::string_view> keys, std::string_view list, Value item, const Value& from);

    // Takes out of the document what the machine's table does not let pass, with a warning for each.
    Translation finish();

    const Options& options;
    Value document = Value::map();
    Notes notes;
    std::string default_user;
    bool keeps_hostname = false;
    bool takes_platform_keys = true;
};

// The keys of cloud-config, with the answers of those that are not taken.
std::span<const Known> cloud_config_keys();

// accounts.cpp, passwords.cpp, ssh.cpp: users, groups, user; chpasswd, password; ssh_*, disable_root
void translate_accounts(const Section& config, Draft& draft);
void translate_passwords(const Section& config, Draft& draft);
void translate_ssh(const Section& config, Draft& draft);
void set_password_hash(Draft& draft, const std::string& user, std::string hash, const Value& from);
void set_password(Draft& draft, const std::string& user, std::string_view password, const Value& from,
                  const machine::Path& path);
// files.cpp: write_files
void translate_files(const Section& config, Draft& draft);
// commands.cpp: bootcmd, runcmd, power_state, final_message
void translate_commands(const Section& config, Draft& draft);
void add_commands(const Section& section, std::string_view key, Draft& draft,
                  std::initializer_list<std::string_view> keys, std::string_view list);
// mounts.cpp, disks.cpp: mounts, mount_default_fields, swap; disk_setup, fs_setup, device_aliases, growpart
void translate_mounts(const Section& config, Draft& draft);
void translate_disks(const Section& config, Draft& draft);
// "sdb" is /dev/sdb, and what device_aliases calls so; nothing, with a warning, for what only a platform could say.
std::optional<std::string> device_of(const Section& config, const Value& name, const machine::Path& path);
std::string partition_of(const std::string& device, std::int64_t number);
// settings.cpp: hostname, fqdn, manage_etc_hosts, timezone, ntp, ca_certs, resolv_conf
void translate_settings(const Section& config, Draft& draft);
// network.cpp
void translate_network_key(const Section& config, Draft& draft);
// rancher*.cpp
void translate_rancher(const Section& config, Draft& draft);
void translate_rancher_network(const Section& network, Draft& draft);
void translate_rancher_engine(const Section& docker, Draft& draft);

}  // namespace diatom::cloud
