// What the kernel command line configures. A mistake there must not keep a machine from booting: everything unknown or
// malformed becomes a warning and boot goes on. Thread side: any; values.
//
//   diatom.state=LABEL|off                  the state partition's file-system or GPT label (DIATOM_STATE)
//   diatom.state.autoformat=/dev/vda[,…]    format the first of these that is blank when there is no state partition
//   diatom.autologin[=tty1,…]               a root shell without login, on these terminals or on all
//   diatom.recovery                         no engine: a shell on every terminal
//   diatom.hostname=NAME
//   diatom.log_level=debug|info|warning|error   diatom.debug (= debug)
//   diatom.watchdog=SECONDS|off             the hardware watchdog's time-out (off)
//   diatom.registry.mirror=HOST=MIRROR      may be repeated
//   diatom.registry.insecure=HOST           any certificate, or plain HTTP; may be repeated
//   diatom.http_proxy=URL  diatom.https_proxy=URL  diatom.no_proxy=HOST[,…]   for the engines
//   diatom.tls=[ADDRESS:]PORT|off           the user engine over TLS, with the certificates of the state partition's
//                                           /var/lib/diatom/tls or of fw_cfg (off, but on with fw_cfg certificates)
//   diatom.set.PATH=VALUE                   a key of the machine's configuration (src/configure/gather.h)
//   diatom.config=URL                       user-data, above all that the platform says (src/platform/parameters.h)
//   diatom.platform=NAME|none               where to ask for metadata and user-data, whatever the machine looks like
//   rancher.autologin  rancher.state.autoformat  rancher.debug  rancher.recovery     the same, for old hands
// Flags take no value, or a boolean. A later key replaces an earlier one except where it may be repeated.
// Source: Documentation/admin-guide/kernel-parameters.rst of Linux 6.12 for quoting (next_arg in lib/cmdline.c).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sys/log.h"

namespace diatom::config {

inline constexpr const char* kDefaultStateLabel = "DIATOM_STATE";

struct TlsAddress {
    std::string address = "::";
    std::uint16_t port = 2376;
    friend bool operator==(const TlsAddress&, const TlsAddress&) = default;
};

// "http://[USER:PASSWORD@]HOST:PORT" for requests in the clear and over TLS, and the hosts that are reached without.
struct Proxies {
    std::string http, https, none;
    friend bool operator==(const Proxies&, const Proxies&) = default;
};

struct BootConfig {
    std::optional<std::string> state_label = kDefaultStateLabel;  // nothing: run from memory
    bool state_named = false;                                     // the command line names it: wait for slow devices
    std::vector<std::string> autoformat;                          // device paths
    bool autologin = false;
    std::vector<std::string> autologin_terminals;  // "tty1"; empty: all
    bool recovery = false;
    std::string hostname;
    log::Level log_level = log::Level::info;
    std::optional<unsigned> watchdog_s;
    bool watchdog_off = false;                                 // said so, whatever else the configuration says
    std::vector<std::pair<std::string, std::string>> mirrors;  // registry host, mirror
    std::vector<std::string> insecure_registries;
    Proxies proxies;
    std::optional<TlsAddress> tls;
    bool tls_off = false;
    std::string config_url, platform;
    std::vector<std::string> warnings;
};

// Why PID 1 does not start the machine although nobody asked for recovery: the recovery console shows it.
inline constexpr const char* kRecoveryReason = "/run/diatom/recovery";
// The machine's name where no configuration gives it one.
inline constexpr const char* kNameOfBoot = "/run/diatom/hostname";
// What the machine's configuration says of the watchdog: seconds, 0 for none.
inline constexpr const char* kWatchdogSeconds = "/run/diatom/watchdog";

BootConfig decode_boot_config(std::string_view command_line);
BootConfig read_boot_config();  // /proc/cmdline

struct KernelParameter {
    std::string key;
    std::optional<std::string> value;
};
// Splits as the kernel does: by white space outside double quotes; quotes around a value or a whole parameter go away;
// nothing after a lone "--" is a parameter.
std::vector<KernelParameter> split_command_line(std::string_view line);

// A host name of RFC 1123: labels of letters, digits and inner hyphens, at most 63 characters in all (the kernel's
// limit).
bool is_host_name(std::string_view name);

}  // namespace diatom::config
