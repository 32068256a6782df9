// The host name, kernel settings, certificates, the engine's settings.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <format>

#include "base/json.h"
#include "base/strings.h"
#include "config/boot_config.h"
#include "config/engine_config.h"
#include "configure/apply.h"
#include "sys/file.h"

namespace diatom::configure {
namespace {

constexpr const char* kBundle = "/etc/ssl/certs/ca-certificates.crt";
constexpr const char* kImageBundle = "/usr/share/diatom/etc/ssl/certs/ca-certificates.crt";

// Lines of hosts(5) between these are ours.
constexpr std::string_view kHostsBegin = "# diatom: this machine\n", kHostsEnd = "# diatom: end\n";

// Without a name, those lines go.
std::string with_own_name(std::string hosts, const std::string& full, const std::string& label) {
    const auto begin = hosts.find(kHostsBegin), end = hosts.find(kHostsEnd);
    if (begin != std::string::npos && end != std::string::npos && begin < end)
        hosts.erase(begin, end + kHostsEnd.size() - begin);
    if (!hosts.empty() && !hosts.ends_with('\n')) hosts += '\n';
    if (full.empty()) return hosts;
    return std::format("{}{}127.0.1.1 {}{}\n{}", hosts, kHostsBegin, full, label == full ? "" : " " + label, kHostsEnd);
}

Result<void> set_host_name(const Root& root, const std::string& name, const std::string& full) {
    const auto label = name.substr(0, name.find('.'));
    if (root.is_machine() && ::sethostname(label.data(), label.size()) < 0)
        return fail_errno(errno, "set the name to {}", label);
    TRY(sys::replace_file(root.at("/etc/hostname"), label + "\n"));
    const auto hosts = sys::read_file(root.at("/etc/hosts")).value_or("");
    return sys::replace_file(root.at("/etc/hosts"), with_own_name(hosts, full, label));
}

Result<void> set_sysctl(const Root& root, const std::string& name, const std::string& value) {
    // net.ipv4.conf.eth0/1.forwarding: where the name has slashes, dots are dots (sysctl(8)).
    std::string path = name;
    if (const auto first = path.find_first_of("./"); first != std::string::npos && path[first] == '.') {
        std::ranges::for_each(path, [](char& c) { c = c == '.' ? '/' : c == '/' ? '.' : c; });
    }
    return sys::write_control(root.at("/proc/sys/" + path), value);
}

Json settings_of_engine(const Value& engine, const Value& proxies) {
    Json settings = Json::object();
    for (const auto& [host, mirror] : engine.at("mirrors").members())
        settings["registry_mirrors"][host] = mirror.scalar_text();
    if (const auto hosts = engine.texts_of("insecure"); !hosts.empty()) settings["insecure_registries"] = hosts;
    for (const auto& [host, auth] : engine.at("auths").members()) {
        for (const auto& [key, value] : auth.members()) settings["registry_auths"][host][key] = value.scalar_text();
    }
    if (proxies.has("http")) settings["proxies"]["http_proxy"] = proxies.text_of("http");
    if (proxies.has("https")) settings["proxies"]["https_proxy"] = proxies.text_of("https");
    if (const auto none = proxies.texts_of("none"); !none.empty()) settings["proxies"]["no_proxy"] = join(none, ",");
    const auto& tls = engine.at("tls");
    if (tls.is_map() && !tls.boolean_of("enabled", true)) settings["tls"] = false;
    else if (tls.is_map())
        settings["tls"] = {{"address", tls.text_of("address", "::")}, {"port", tls.integer_of("port", 2376)}};
    return settings;
}

// A name that the configuration gave and gives no more.
void plan_name_of_boot(const Root& root, Plan& plan) {
    const auto kept = sys::read_file(root.at(config::kNameOfBoot)).value_or("");
    const std::string name(trim(kept));
    if (name.empty() || trim(sys::read_file(root.at("/etc/hostname")).value_or("")) == name) return;
    plan.steps.push_back(
        {"hostname", std::format("name the machine {} again", name), [=] { return set_host_name(root, name, ""); }});
}

}  // namespace

void plan_host_name(const Value& machine, const Root& root, Plan& plan) {
    const auto full = machine.text_of("fqdn");
    const auto name = machine.text_of("hostname", full);
    if (name.empty()) return plan_name_of_boot(root, plan);
    plan.steps.push_back({"hostname", std::format("name the machine {}", name),
                          [=] { return set_host_name(root, name, full.empty() ? name : full); }});
}

void plan_sysctls(const Value& machine, const Root& root, Plan& plan) {
    for (const auto& [name, value] : machine.at("sysctl").members()) {
        plan.steps.push_back({std::format("sysctl.\"{}\"", name),
                              std::format("set {} to {}", name, value.scalar_text()),
                              [=, name = name, text = value.scalar_text()] { return set_sysctl(root, name, text); }});
    }
}

void plan_certificates(const Value& machine, const Root& root, Plan& plan) {
    const auto& said = machine.at("certificates");
    const auto trusted = said.texts_of("trusted");
    if (trusted.empty() && !said.boolean_of("only_these")) return;
    plan.steps.push_back({"certificates", "write the certificates that are trusted",
                          [=, only = said.boolean_of("only_these")]() -> Result<void> {
                              auto bundle = only ? std::string() : TRY(sys::read_file(root.at(kImageBundle)));
                              for (const auto& certificate : trusted)
                                  bundle += certificate + (certificate.ends_with('\n') ? "" : "\n");
                              return sys::replace_file(root.at(kBundle), bundle);
                          }});
}

void plan_engine(const Value& machine, const Root& root, Plan& plan) {
    const auto settings = settings_of_engine(machine.at("engine"), machine.at("proxies"));
    if (settings.empty() && !sys::exists(root.at(config::kRenderedEngineConfig))) return;
    plan.steps.push_back({"engine", "write the engine's settings", [=]() -> Result<void> {
                              TRY(sys::make_dirs(root.at("/run/diatom/config"), 0700));
                              return sys::replace_file(root.at(config::kRenderedEngineConfig),
                                                       dump_json(settings, 2) + "\n", 0600);
                          }});
}

}  // namespace diatom::configure
