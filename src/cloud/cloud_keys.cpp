// The keys of cloud-config that cloud-init 25.2 and RancherOS 1.5 document. Some may be written with '-' for '_'.
#include <array>

#include "cloud/draft.h"

namespace diatom::cloud {
namespace {

constexpr std::string_view kPackages =
    "packages are not installed into this system: run what you need from an image (services.define, docker run), or "
    "put it into a console's image";
constexpr std::string_view kSources =
    "there is no package manager here whose sources could be set: build an image with what you need";
constexpr std::string_view kAgent =
    "this agent is not part of the system: run it from its image, as a service (services.define)";
constexpr std::string_view kUbuntu = "this is a matter of Ubuntu, and does not exist here";
constexpr std::string_view kModules =
    "which of cloud-init's modules run is its own matter: here a key that is written is applied";
constexpr std::string_view kNoise = "nothing is printed that this could silence: keys are shown in the log only";
constexpr std::string_view kReboot = "nothing is installed that could ask for it: updates are `diatom os`";

constexpr std::array kKeys{
    Known{"allow_public_ssh_keys"},
    Known{"ansible", kAgent},
    Known{"apk_repos", kSources},
    Known{"apt", kSources},
    Known{"apt_pipelining", kSources},
    Known{"apt_reboot_if_required", kReboot},
    Known{"apt_update", kPackages},
    Known{"apt_upgrade", kPackages},
    Known{"authkey_hash", kNoise},
    Known{"autoinstall", kUbuntu},
    Known{"bootcmd"},
    Known{"byobu_by_default", "byobu is a matter of the console: use an image that has it (console.image)"},
    Known{"ca_certs"},
    Known{"chef", kAgent},
    Known{"chpasswd"},
    Known{"cloud_config_modules", kModules},
    Known{"cloud_final_modules", kModules},
    Known{"cloud_init_modules", kModules},
    Known{"coreos", "these are keys of CoreOS before Ignition: write the units as services (services.define)"},
    Known{"create_hostname_file", "the name is kept in the configuration, not in /etc/hostname"},
    Known{"datasource", "data sources are found by what the firmware says of the machine, not by user-data"},
    Known{"datasource_list", "data sources are found by what the firmware says of the machine, not by user-data"},
    Known{"device_aliases"},
    Known{"disable_ec2_metadata",
          "the metadata service is kept from containers by their networks: block 169.254.169.254 with a rule"},
    Known{"disable_root"},
    Known{"disable_root_opts", "disable_root closes root's log in itself, so nothing is printed to who tries"},
    Known{"disk_setup"},
    Known{"drivers", "drivers are part of the kernel here: it has no modules that could be installed"},
    Known{"fan", kUbuntu},
    Known{"final_message"},
    Known{"fqdn"},
    Known{"fs_setup"},
    Known{"groups"},
    Known{"growpart"},
    Known{"grub_dpkg", "there is no GRUB here: `diatom os` keeps what boots"},
    Known{"hostname"},
    Known{"keyboard", "the keys of a terminal are those of the console's image (console.image)"},
    Known{"landscape", kUbuntu},
    Known{"launch_index"},
    Known{"locale", "there are no locales outside of containers: set LANG in a container's environment"},
    Known{"locale_configfile", "there are no locales outside of containers: set LANG in a container's environment"},
    Known{"lxd", "containers here are Docker's: describe them as services (services.define)"},
    Known{"manage_etc_hosts"},
    Known{"manage_resolv_conf"},
    Known{"mcollective", kAgent},
    Known{"merge_how"},
    Known{"merge_type"},
    Known{"migrate", kModules},
    Known{"mount_default_fields"},
    Known{"mounts"},
    Known{"network"},
    Known{"no_ssh_fingerprints", kNoise},
    Known{"ntp"},
    Known{"output", "what commands say is in the log: `diatom logs`"},
    Known{"package_reboot_if_required", kReboot},
    Known{"package_update", kPackages},
    Known{"package_upgrade", kPackages},
    Known{"packages", kPackages},
    Known{"password"},
    Known{"phone_home", "nothing calls home by itself: do it in runcmd, or as a service"},
    Known{"power_state"},
    Known{"prefer_fqdn_over_hostname"},
    Known{"preserve_hostname"},
    Known{"puppet", kAgent},
    Known{"rancher"},
    Known{"random_seed", "the kernel gathers its own entropy, and takes a hypervisor's (virtio-rng)"},
    Known{"reporting", "what the machine says can be forwarded (logs.forward), but not in cloud-init's form"},
    Known{"resize_rootfs"},
    Known{"resolv_conf"},
    Known{"rh_subscription", kSources},
    Known{"rpi", "this is a matter of Raspberry Pi OS, and does not exist here"},
    Known{"rsyslog", "there is no rsyslog here: forward the log with logs.forward (udp://, tcp:// or tls://HOST:PORT)"},
    Known{"runcmd"},
    Known{"salt_minion", kAgent},
    Known{"snap", kPackages},
    Known{"spacewalk", kSources},
    Known{"ssh", kNoise},
    Known{"ssh_authorized_keys"},
    Known{"ssh_deletekeys"},
    Known{"ssh_fp_console_blacklist", kNoise},
    Known{"ssh_genkeytypes"},
    Known{"ssh_import_id",
          "keys are not taken from an account elsewhere, whose owner could change them at any boot: write them into "
          "ssh_authorized_keys (https://github.com/NAME.keys has those of NAME)"},
    Known{"ssh_key_console_blacklist", kNoise},
    Known{"ssh_keys"},
    Known{"ssh_publish_hostkeys", "no data source takes host keys back: read them from the log"},
    Known{"ssh_pwauth"},
    Known{"ssh_quiet_keygen", kNoise},
    Known{"swap"},
    Known{"system_info"},
    Known{"timezone"},
    Known{"ubuntu_advantage", kUbuntu},
    Known{"ubuntu_pro", kUbuntu},
    Known{"updates", "the network follows what is plugged in by itself"},
    Known{"user"},
    Known{"users"},
    Known{"vendor_data"},
    Known{"version"},
    Known{"wireguard", "WireGuard is not among the interfaces that can be made: run it in a container with NET_ADMIN"},
    Known{"write_files"},
    Known{"yum_repo_dir", kSources},
    Known{"yum_repos", kSources},
    Known{"zypper", kSources},
};

}  // namespace

std::span<const Known> cloud_config_keys() { return kKeys; }

}  // namespace diatom::cloud
