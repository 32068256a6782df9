#include "config/boot_config.h"

#include <algorithm>
#include <array>
#include <format>
#include <functional>

#include "base/strings.h"
#include "sys/file.h"

namespace diatom::config {
namespace {

// The kernel's own limit is 4 KiB on most architectures.
constexpr std::size_t kMaxLine = 64U << 10U;
constexpr unsigned kMaxWatchdog = 3600;

struct Key {
    std::string_view name;
    // Gives what is wrong with the value, or nothing.
    std::optional<std::string> (*apply)(BootConfig& config, const std::optional<std::string>& value);
};

std::optional<std::string> apply_flag(bool& flag, const std::optional<std::string>& value) {
    const std::string text = to_lower(value.value_or("1"));
    if (text == "1" || text == "true" || text == "yes" || text == "on") flag = true;
    else if (text == "0" || text == "false" || text == "no" || text == "off") flag = false;
    else return "must be true or false";
    return std::nullopt;
}

std::vector<std::string> words(std::string_view list) {
    std::vector<std::string> result;
    for (const auto part : split(list, ',')) {
        if (!part.empty()) result.emplace_back(part);
    }
    return result;
}

std::optional<std::string> apply_state(BootConfig& config, const std::optional<std::string>& value) {
    if (!value || value->empty()) return "must be a label, or off";
    if (value->size() > 36) return "is longer than a label can be";
    config.state_named = *value != "off";
    config.state_label = *value == "off" ? std::nullopt : value;
    return std::nullopt;
}

std::optional<std::string> apply_autoformat(BootConfig& config, const std::optional<std::string>& value) {
    const auto devices = words(value.value_or(""));
    if (devices.empty()) return "must name a device, such as /dev/vda";
    for (const auto& device : devices) {
        if (!device.starts_with("/dev/") || device.contains("..")) return "must be a path below /dev";
    }
    config.autoformat = devices;
    return std::nullopt;
}

std::optional<std::string> apply_autologin(BootConfig& config, const std::optional<std::string>& value) {
    config.autologin_terminals.clear();
    if (!apply_flag(config.autologin, value)) return std::nullopt;
    config.autologin = true;
    for (auto& terminal : words(*value)) {
        config.autologin_terminals.push_back(terminal.starts_with("/dev/") ? terminal.substr(5) : terminal);
    }
    return std::nullopt;
}

std::optional<std::string> apply_hostname(BootConfig& config, const std::optional<std::string>& value) {
    if (!value || !is_host_name(*value)) return "must be a host name of at most 63 letters, digits, hyphens and dots";
    config.hostname = *value;
    return std::nullopt;
}

std::optional<std::string> apply_log_level(BootConfig& config, const std::optional<std::string>& value) {
    constexpr std::array<std::pair<std::string_view, log::Level>, 4> kLevels{{{"debug", log::Level::debug},
                                                                              {"info", log::Level::info},
                                                                              {"warning", log::Level::warning},
                                                                              {"error", log::Level::error}}};
    for (const auto& [name, level] : kLevels) {
        if (value == name) {
            config.log_level = level;
            return std::nullopt;
        }
    }
    return "must be debug, info, warning or error";
}

std::optional<std::string> apply_debug(BootConfig& config, const std::optional<std::string>& value) {
    bool debug = false;
    if (auto wrong = apply_flag(debug, value)) return wrong;
    config.log_level = debug ? log::Level::debug : log::Level::info;
    return std::nullopt;
}

std::optional<std::string> apply_watchdog(BootConfig& config, const std::optional<std::string>& value) {
    if (value == "off") {
        config.watchdog_s.reset();
        config.watchdog_off = true;
        return std::nullopt;
    }
    const auto seconds = parse_uint(value.value_or(""));
    if (!seconds || *seconds == 0 || *seconds > kMaxWatchdog) return "must be off, or seconds from 1 to 3600";
    config.watchdog_s = static_cast<unsigned>(*seconds);
    return std::nullopt;
}

bool is_registry(std::string_view host) {
    return !host.empty() &&
           std::ranges::none_of(host, [](char c) { return c <= ' ' || c == '=' || c == '"' || c == 0x7f; });
}

std::optional<std::string> apply_mirror(BootConfig& config, const std::optional<std::string>& value) {
    const auto halves = value ? cut(*value, '=') : std::nullopt;
    if (!halves || !is_registry(halves->first) || !is_registry(halves->second)) return "must be HOST=MIRROR";
    config.mirrors.emplace_back(halves->first, halves->second);
    return std::nullopt;
}

std::optional<std::string> apply_insecure(BootConfig& config, const std::optional<std::string>& value) {
    if (!value || !is_registry(*value)) return "must be a registry's host, such as registry.example:5000";
    config.insecure_registries.push_back(*value);
    return std::nullopt;
}

std::optional<std::string> set_text(std::string& to, const std::optional<std::string>& value, const char* form) {
    if (!value || value->empty()) return form;
    to = *value;
    return std::nullopt;
}
constexpr const char* kProxyForm = "must be http://[USER:PASSWORD@]HOST:PORT";

std::optional<std::string> apply_http_proxy(BootConfig& config, const std::optional<std::string>& value) {
    return set_text(config.proxies.http, value, kProxyForm);
}

std::optional<std::string> apply_https_proxy(BootConfig& config, const std::optional<std::string>& value) {
    return set_text(config.proxies.https, value, kProxyForm);
}

std::optional<std::string> apply_no_proxy(BootConfig& config, const std::optional<std::string>& value) {
    return set_text(config.proxies.none, value, "must be a list of hosts, such as .lab.example,10.0.0.0/8");
}

std::optional<std::string> apply_config(BootConfig& config, const std::optional<std::string>& value) {
    return set_text(config.config_url, value, "must be a URL, or a path from /");
}

std::optional<std::string> apply_platform(BootConfig& config, const std::optional<std::string>& value) {
    return set_text(config.platform, value, "must be a platform, or none");
}

std::optional<std::string> apply_tls(BootConfig& config, const std::optional<std::string>& value) {
    config.tls.reset();
    config.tls_off = value == "off";
    if (config.tls_off) return std::nullopt;
    TlsAddress tls;
    std::string_view text = value ? std::string_view(*value) : std::string_view();
    if (const auto halves = cut_last(text, ':')) {
        tls.address = halves->first;
        if (tls.address.starts_with('[') && tls.address.ends_with(']'))
            tls.address = tls.address.substr(1, tls.address.size() - 2);
        text = halves->second;
    }
    const auto port = text.empty() && !value ? std::optional<std::uint64_t>(tls.port) : parse_uint(text);
    if (!port || *port == 0 || *port > 65535 || tls.address.empty()) return "must be [ADDRESS:]PORT, or off";
    tls.port = static_cast<std::uint16_t>(*port);
    config.tls = std::move(tls);
    return std::nullopt;
}

std::optional<std::string> apply_recovery(BootConfig& config, const std::optional<std::string>& value) {
    return apply_flag(config.recovery, value);
}

constexpr std::array kKeys{
    Key{"diatom.state", apply_state},
    Key{"diatom.state.autoformat", apply_autoformat},
    Key{"diatom.autologin", apply_autologin},
    Key{"diatom.recovery", apply_recovery},
    Key{"diatom.hostname", apply_hostname},
    Key{"diatom.log_level", apply_log_level},
    Key{"diatom.debug", apply_debug},
    Key{"diatom.watchdog", apply_watchdog},
    Key{"diatom.registry.mirror", apply_mirror},
    Key{"diatom.registry.insecure", apply_insecure},
    Key{"diatom.http_proxy", apply_http_proxy},
    Key{"diatom.https_proxy", apply_https_proxy},
    Key{"diatom.no_proxy", apply_no_proxy},
    Key{"diatom.tls", apply_tls},
    Key{"diatom.config", apply_config},
    Key{"diatom.platform", apply_platform},
    Key{"rancher.autologin", apply_autologin},
    Key{"rancher.state.autoformat", apply_autoformat},
    Key{"rancher.debug", apply_debug},
    Key{"rancher.recovery", apply_recovery},
};

// diatom.set.PATH and rancher.PATH are the configuration's, which says by itself what is wrong with them.
bool is_ours(std::string_view key) { return key.starts_with("diatom.") && !key.starts_with("diatom.set."); }

std::string unknown_key(std::string_view key) {
    std::vector<std::string_view> names;
    for (const auto& known : kKeys) names.push_back(known.name);
    const auto near = nearest(key, names);
    return near ? std::format("kernel command line: unknown key \"{}\" is ignored; did you mean \"{}\"?", key, *near)
                : std::format("kernel command line: unknown key \"{}\" is ignored", key);
}

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// One parameter of the line, its quotes still in it; advances the line behind it.
std::string_view next_parameter(std::string_view& line) {
    while (!line.empty() && is_space(line.front())) line.remove_prefix(1);
    bool in_quotes = false;
    std::size_t end = 0;
    for (; end < line.size() && (in_quotes || !is_space(line[end])); ++end) {
        if (line[end] == '"') in_quotes = !in_quotes;
    }
    const auto parameter = line.substr(0, end);
    line.remove_prefix(end);
    return parameter;
}

std::string_view unquote(std::string_view text) {
    if (!text.starts_with('"')) return text;
    text.remove_prefix(1);
    if (text.ends_with('"')) text.remove_suffix(1);
    return text;
}

}  // namespace

std::vector<KernelParameter> split_command_line(std::string_view line) {
    std::vector<KernelParameter> parameters;
    line = line.substr(0, std::min(line.find('\0'), std::min(line.size(), kMaxLine)));
    for (;;) {
        std::string_view text = next_parameter(line);
        if (text.empty() || text == "--") return parameters;
        text = unquote(text);
        const auto halves = cut(text, '=');
        if (halves) parameters.push_back({std::string(halves->first), std::string(unquote(halves->second))});
        else parameters.push_back({std::string(text), std::nullopt});
    }
}

BootConfig decode_boot_config(std::string_view command_line) {
    BootConfig config;
    for (const auto& [key, value] : split_command_line(command_line)) {
        const auto* known = std::ranges::find(kKeys, std::string_view(key), &Key::name);
        if (known == kKeys.end()) {
            if (is_ours(key)) config.warnings.push_back(unknown_key(key));
        } else if (const auto wrong = known->apply(config, value)) {
            config.warnings.push_back(
                std::format("kernel command line: {}={} is ignored: it {}", key, value.value_or(""), *wrong));
        }
    }
    return config;
}

BootConfig read_boot_config() {
    const auto line = sys::read_file("/proc/cmdline", kMaxLine);
    if (line) return decode_boot_config(trim(*line));
    BootConfig config;
    config.warnings.push_back(std::format("the kernel command line cannot be read: {}", line.error().what()));
    return config;
}

bool is_host_name(std::string_view name) {
    if (name.empty() || name.size() > 63) return false;
    return std::ranges::all_of(split(name, '.'), [](std::string_view label) {
        if (label.empty() || label.front() == '-' || label.back() == '-') return false;
        return std::ranges::all_of(label, [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
        });
    });
}

}  // namespace diatom::config
