#include "machine/schema.h"

#include <algorithm>
#include <array>

#include "machine/schema_parts.h"

namespace diatom::machine {
namespace schema {
namespace {

constexpr Type kHostNameText{.format = &kHostName};
constexpr Type kSysctls{.form = Form::map, .item = &kText, .format = &kSysctl};

constexpr Type kTimeServer{.format = &kHost};
constexpr Type kTimeServers{.form = Form::list, .item = &kTimeServer};
constexpr std::array kTimeKeys{
    Key{"zone", &kText, "the time zone, by its name in the tz database", Applies::live},
    Key{"servers", &kTimeServers, "time servers; without any, DHCP's or the public pool", Applies::live},
    Key{"enabled", &kFlag, "whether the clock is kept by NTP (yes)", Applies::live},
};
constexpr Type kTime{.form = Form::object, .keys = kTimeKeys};

constexpr Type kCertificateList{.form = Form::list, .item = &kCertificate, .merge = Merge::append};
constexpr std::array kCertificatesKeys{
    Key{"trusted", &kCertificateList, "certificates that are trusted beside the image's, in PEM", Applies::live},
    Key{"only_these", &kFlag, "trust none but these (no)", Applies::live},
};
constexpr Type kCertificates{.form = Form::object, .keys = kCertificatesKeys};

constexpr std::array kCommandsKeys{
    Key{"boot", &kCommands, "run at each boot, before the engines", Applies::next_boot},
    Key{"run", &kCommands, "run once in the life of an instance, when the user engine is up", Applies::first_boot},
};
constexpr Type kCommandLists{.form = Form::object, .keys = kCommandsKeys};

constexpr Type kWords{.form = Form::list, .item = &kText, .merge = Merge::append};
constexpr std::array kKernelKeys{
    Key{"add", &kWords, "words that the kernel's command line must have", Applies::next_boot},
    Key{"remove", &kWords, "words that it must not have", Applies::next_boot},
};
constexpr Type kKernelArguments{.form = Form::object, .keys = kKernelKeys};

constexpr std::array<Names, 3> kPowerModes{"off", "reboot", "halt"};
constexpr Type kPowerMode{.choices = kPowerModes};
constexpr std::array kPowerKeys{
    Key{"mode", &kPowerMode, "what follows the first boot's commands", Applies::first_boot},
    Key{"delay", &kDurationText, "how long after them (0s)", Applies::first_boot},
    Key{"message", &kText, "what is said before it", Applies::first_boot},
    Key{"condition", &kCommand, "only when this ends with exit code 0", Applies::first_boot},
};
constexpr Type kPower{.form = Form::object, .keys = kPowerKeys};

constexpr Type kWatchdog{.form = Form::number, .least = 0, .most = 3600};

constexpr std::array kMachineKeys{
    Key{"hostname", &kHostNameText, "the machine's name", Applies::live},
    Key{"fqdn", &kHostNameText, "its name with the domain, which /etc/hosts has", Applies::live},
    Key{"ssh_authorized_keys", &kPublicKeys, "public keys that may log in as root", Applies::live},
    Key{"users", &kUsers, "users by name", Applies::live},
    Key{"groups", &kGroups, "groups by name", Applies::live},
    Key{"ssh", &kSsh, "the SSH server", Applies::live},
    Key{"files", &kFiles, "files, directories and links by path", Applies::live},
    Key{"commands", &kCommandLists, "commands of the boot", Applies::next_boot},
    Key{"mounts", &kMounts, "what is mounted where", Applies::next_boot},
    Key{"swap", &kSwap, "room to swap to", Applies::live},
    Key{"disks", &kDisks, "partition tables by device", Applies::first_boot},
    Key{"filesystems", &kFileSystems, "file systems that are made", Applies::first_boot},
    Key{"kernel_arguments", &kKernelArguments, "the kernel's command line", Applies::next_boot},
    Key{"sysctl", &kSysctls, "kernel settings", Applies::live},
    Key{"time", &kTime, "the clock", Applies::live},
    Key{"certificates", &kCertificates, "who is trusted", Applies::live},
    Key{"network", &kNetwork, "interfaces, names, routes", Applies::live},
    Key{"proxies", &kProxies, "proxies of the engines and of what the machine fetches", Applies::next_boot},
    Key{"environment", &kVariables, "variables of services and shells", Applies::next_boot},
    Key{"engine", &kEngine, "the user engine", Applies::next_boot},
    Key{"services", &kServices, "system services", Applies::next_boot},
    Key{"console", &kConsole, "the shell on the machine's terminals", Applies::next_boot},
    Key{"logs", &kLogs, "what is kept of what the machine says, and who else is told", Applies::live},
    Key{"watchdog", &kWatchdog, "time-out of the hardware watchdog in seconds; 0: off", Applies::next_boot},
    Key{"power", &kPower, "the end of the first boot", Applies::first_boot},
    Key{"final_message", &kText,
        "said when a boot's commands are done, with $uptime, $timestamp, $version, $datasource", Applies::next_boot},
};
constexpr Type kMachine{.form = Form::object, .keys = kMachineKeys};

}  // namespace
}  // namespace schema

const Type& machine_type() noexcept { return schema::kMachine; }

const Type* member_type(const Type& type, std::string_view key) noexcept {
    if (type.form == Form::map) return type.item;
    const auto found = std::ranges::find(type.keys, key, &Key::name);
    return found == type.keys.end() ? nullptr : found->type;
}

}  // namespace diatom::machine
