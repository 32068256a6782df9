#include "ignition/unit_words.h"

#include <algorithm>
#include <array>

namespace diatom::ignition {
namespace {

using enum Handling;

constexpr std::string_view kNoSocket = "services are not started by sockets: let it listen by itself";
constexpr std::string_view kMakeDirectory = "make the directory with storage.directories";
constexpr std::string_view kRootOnly =
    "a system container sees the machine's root: run it as a container of the engine";
constexpr std::string_view kLimits = "limits are not set for system containers: run it as a container of the engine";
constexpr std::string_view kTimers = "not expressible as a schedule of cron";

constexpr std::array kDirectives{
    Directive{"Unit", "Description", needless},
    Directive{"Unit", "Documentation", needless},
    Directive{"Unit", "DefaultDependencies", needless},
    Directive{"Unit", "SourcePath", needless},
    Directive{"Unit", "StartLimitIntervalSec", needless},
    Directive{"Unit", "StartLimitInterval", needless},
    Directive{"Unit", "StartLimitBurst", needless},
    Directive{"Unit", "RequiresMountsFor", needless},
    Directive{"Unit", "WantsMountsFor", needless},
    Directive{"Unit", "IgnoreOnIsolate", needless},
    Directive{"Unit", "RefuseManualStart", needless},
    Directive{"Unit", "RefuseManualStop", needless},
    Directive{"Unit", "CollectMode", needless},
    Directive{"Unit", "JobTimeoutSec", needless},
    Directive{"Unit", "Before", translated},
    Directive{"Unit", "After", translated},
    Directive{"Unit", "Wants", translated},
    Directive{"Unit", "Requires", translated},
    Directive{"Unit", "BindsTo", translated},
    Directive{"Unit", "Requisite", translated},
    Directive{"Unit", "PartOf", needless},
    Directive{"Unit", "Conflicts", translated},
    Directive{"Unit", "ConditionPathExists", translated},
    Directive{"Unit", "ConditionPathIsDirectory", translated},
    Directive{"Unit", "ConditionPathIsSymbolicLink", translated},
    Directive{"Unit", "ConditionPathIsReadWrite", translated},
    Directive{"Unit", "ConditionFileNotEmpty", translated},
    Directive{"Unit", "ConditionFileIsExecutable", translated},
    Directive{"Unit", "OnFailure", refused, "services are not started by the failure of others"},
    Directive{"Unit", "ConditionFirstBoot", refused, "write ConditionPathExists=!FILE, and let the service make FILE"},

    Directive{"Service", "Type", translated},
    Directive{"Service", "ExecStart", translated},
    Directive{"Service", "ExecStartPre", translated},
    Directive{"Service", "ExecStartPost", translated},
    Directive{"Service", "ExecStop", translated},
    Directive{"Service", "ExecStopPost", translated},
    Directive{"Service", "ExecCondition", translated},
    Directive{"Service", "ExecReload", needless},
    Directive{"Service", "Restart", translated},
    Directive{"Service", "RestartSec", needless},
    Directive{"Service", "RestartSteps", needless},
    Directive{"Service", "RestartMaxDelaySec", needless},
    Directive{"Service", "StartLimitInterval", needless},
    Directive{"Service", "StartLimitBurst", needless},
    Directive{"Service", "TimeoutStartSec", needless},
    Directive{"Service", "TimeoutStopSec", translated},
    Directive{"Service", "TimeoutSec", translated},
    Directive{"Service", "RemainAfterExit", translated},
    Directive{"Service", "Environment", translated},
    Directive{"Service", "EnvironmentFile", translated},
    Directive{"Service", "User", translated},
    Directive{"Service", "Group", translated},
    Directive{"Service", "WorkingDirectory", translated},
    Directive{"Service", "KillSignal", translated},
    Directive{"Service", "KillMode", translated},
    Directive{"Service", "OOMScoreAdjust", translated},
    Directive{"Service", "CPUShares", translated},
    Directive{"Service", "SendSIGKILL", needless},
    Directive{"Service", "IgnoreSIGPIPE", needless},
    Directive{"Service", "NotifyAccess", needless},
    Directive{"Service", "GuessMainPID", needless},
    Directive{"Service", "PIDFile", needless},
    Directive{"Service", "Delegate", needless},
    Directive{"Service", "SyslogIdentifier", needless},
    Directive{"Service", "SyslogFacility", needless},
    Directive{"Service", "SyslogLevel", needless},
    Directive{"Service", "SyslogLevelPrefix", needless},
    Directive{"Service", "StandardOutput", translated},
    Directive{"Service", "StandardError", translated},
    Directive{"Service", "TasksMax", translated},
    Directive{"Service", "Sockets", refused, kNoSocket},
    Directive{"Service", "BusName", refused, "there is no D-Bus"},
    Directive{"Service", "WatchdogSec", refused,
              "services are not watched by notifications: use a container's health check"},
    Directive{"Service", "RuntimeDirectory", refused, kMakeDirectory},
    Directive{"Service", "StateDirectory", refused, kMakeDirectory},
    Directive{"Service", "CacheDirectory", refused, kMakeDirectory},
    Directive{"Service", "LogsDirectory", refused, kMakeDirectory},
    Directive{"Service", "ConfigurationDirectory", refused, kMakeDirectory},
    Directive{"Service", "DynamicUser", refused, "users of the moment are not made: name one in passwd.users"},
    Directive{"Service", "RootDirectory", refused, kRootOnly},
    Directive{"Service", "RootImage", refused, kRootOnly},
    Directive{"Service", "PrivateTmp", refused, kRootOnly},
    Directive{"Service", "PrivateDevices", refused, kRootOnly},
    Directive{"Service", "ProtectSystem", refused, kRootOnly},
    Directive{"Service", "ProtectHome", refused, kRootOnly},
    Directive{"Service", "ReadOnlyPaths", refused, kRootOnly},
    Directive{"Service", "BindPaths", refused, kRootOnly},
    Directive{"Service", "NoNewPrivileges", refused, kRootOnly},
    Directive{"Service", "CapabilityBoundingSet", refused, kRootOnly},
    Directive{"Service", "AmbientCapabilities", refused, kRootOnly},
    Directive{"Service", "LimitNOFILE", refused, kLimits},
    Directive{"Service", "LimitNPROC", refused, kLimits},
    Directive{"Service", "LimitCORE", refused, kLimits},
    Directive{"Service", "LimitMEMLOCK", refused, kLimits},
    Directive{"Service", "MemoryMax", refused, kLimits},
    Directive{"Service", "MemoryLimit", refused, kLimits},
    Directive{"Service", "CPUQuota", refused, kLimits},
    Directive{"Service", "Slice", refused, kLimits},

    Directive{"Timer", "OnCalendar", translated},
    Directive{"Timer", "OnBootSec", translated},
    Directive{"Timer", "OnStartupSec", translated},
    Directive{"Timer", "OnActiveSec", translated},
    Directive{"Timer", "OnUnitActiveSec", translated},
    Directive{"Timer", "OnUnitInactiveSec", translated},
    Directive{"Timer", "Unit", translated},
    Directive{"Timer", "Persistent", translated},
    Directive{"Timer", "AccuracySec", needless},
    Directive{"Timer", "RemainAfterElapse", needless},
    Directive{"Timer", "WakeSystem", refused, "a schedule does not wake a sleeping machine"},
    Directive{"Timer", "RandomizedDelaySec", refused, kTimers},
    Directive{"Timer", "FixedRandomDelay", refused, kTimers},
    Directive{"Timer", "OnClockChange", refused, kTimers},
    Directive{"Timer", "OnTimezoneChange", refused, kTimers},

    Directive{"Mount", "What", translated},
    Directive{"Mount", "Where", translated},
    Directive{"Mount", "Type", translated},
    Directive{"Mount", "Options", translated},
    Directive{"Mount", "TimeoutSec", needless},
    Directive{"Mount", "DirectoryMode", needless},
    Directive{"Mount", "SloppyOptions", needless},
    Directive{"Swap", "What", translated},
    Directive{"Swap", "TimeoutSec", needless},
    Directive{"Swap", "Priority", refused, "there is one place to swap to"},
    Directive{"Swap", "Options", refused, "there is one place to swap to"},

    Directive{"Install", "WantedBy", translated},
    Directive{"Install", "RequiredBy", translated},
    Directive{"Install", "UpheldBy", translated},
    Directive{"Install", "Alias", needless},
    Directive{"Install", "Also", needless},
    Directive{"Install", "DefaultInstance", needless},
};

struct Counterpart {
    std::string_view unit, service;
};
constexpr std::array kCounterparts{
    Counterpart{"docker.service", "user-engine"},
    Counterpart{"docker.socket", "user-engine"},
    Counterpart{"podman.service", "user-engine"},
    Counterpart{"podman.socket", "user-engine"},
    Counterpart{"containerd.service", "user-engine"},
    Counterpart{"network.target", "network"},
    Counterpart{"network-online.target", "network"},
    Counterpart{"nss-lookup.target", "network"},
    Counterpart{"NetworkManager.service", "network"},
    Counterpart{"NetworkManager-wait-online.service", "network"},
    Counterpart{"systemd-networkd.service", "network"},
    Counterpart{"systemd-networkd-wait-online.service", "network"},
    Counterpart{"systemd-resolved.service", "network"},
    Counterpart{"chronyd.service", "ntp"},
    Counterpart{"ntpd.service", "ntp"},
    Counterpart{"systemd-timesyncd.service", "ntp"},
    Counterpart{"time-sync.target", "ntp"},
    Counterpart{"systemd-udevd.service", "udev"},
    Counterpart{"systemd-udev-settle.service", "udev"},
    Counterpart{"systemd-udev-trigger.service", "udev"},
    Counterpart{"sshd.service", "ssh"},
    Counterpart{"sshd.socket", "ssh"},
    Counterpart{"console-getty.service", "console"},
    Counterpart{"local-fs.target", ""},
    Counterpart{"local-fs-pre.target", ""},
    Counterpart{"remote-fs.target", ""},
    Counterpart{"swap.target", ""},
    Counterpart{"sysinit.target", ""},
    Counterpart{"basic.target", ""},
    Counterpart{"sockets.target", ""},
    Counterpart{"paths.target", ""},
    Counterpart{"timers.target", ""},
    Counterpart{"multi-user.target", ""},
    Counterpart{"graphical.target", ""},
    Counterpart{"default.target", ""},
    Counterpart{"machines.target", ""},
    Counterpart{"first-boot-complete.target", ""},
    Counterpart{"network-pre.target", ""},
    Counterpart{"shutdown.target", ""},
    Counterpart{"reboot.target", ""},
    Counterpart{"umount.target", ""},
    Counterpart{"systemd-tmpfiles-setup.service", ""},
    Counterpart{"systemd-sysctl.service", ""},
    Counterpart{"systemd-journald.service", ""},
    Counterpart{"systemd-modules-load.service", ""},
    Counterpart{"systemd-machine-id-commit.service", ""},
    Counterpart{"dbus.service", ""},
    Counterpart{"-.mount", ""},
};

constexpr std::array<std::string_view, 17> kNeedless{"zincati.service",
                                                     "rpm-ostreed.service",
                                                     "rpm-ostree-countme.timer",
                                                     "update-engine.service",
                                                     "locksmithd.service",
                                                     "systemd-zram-setup@zram0.service",
                                                     "etcd-member.service",
                                                     "coreos-metadata.service",
                                                     "afterburn.service",
                                                     "afterburn-checkin.service",
                                                     "fstrim.timer",
                                                     "ignition-delete-config.service",
                                                     "extend-filesystems.service",
                                                     "oem-cloudinit.service",
                                                     "systemd-oomd.service",
                                                     "systemd-oomd.socket",
                                                     "console-login-helper-messages-gensnippet-ssh-keys.service"};

}  // namespace

Directive find_directive(std::string_view section, std::string_view name) {
    if (section.starts_with("X-") || name.starts_with("X-")) return {section, name, needless};
    const auto found = std::ranges::find_if(
        kDirectives, [&](const Directive& known) { return known.section == section && known.name == name; });
    if (found != kDirectives.end()) return *found;
    return {section, name, refused, "has no counterpart in a system container"};
}

std::optional<std::string_view> machine_service(std::string_view unit) {
    if (unit.starts_with("getty@") || unit.starts_with("serial-getty@")) return "console";
    const auto found = std::ranges::find(kCounterparts, unit, &Counterpart::unit);
    if (found == kCounterparts.end()) return std::nullopt;
    return found->service;
}

bool is_machine_service(std::string_view name) {
    return !name.empty() && std::ranges::contains(kCounterparts, name, &Counterpart::service);
}

bool is_needless_unit(std::string_view unit) { return std::ranges::contains(kNeedless, unit); }

}  // namespace diatom::ignition
