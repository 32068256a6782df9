// Ignition's requests, and what of its result means something else here.
#include "base/strings.h"
#include "configure/digest.h"
#include "configure/hand_over.h"
#include "ignition/ignition.h"
#include "sys/file.h"

namespace diatom::configure {
namespace {

constexpr const char* kBundle = "/etc/ssl/certs/ca-certificates.crt";
constexpr const char* kAuthorities = "/run/diatom/config/authorities-";
constexpr int kTotalS = 300, kStallS = 60;  // where Ignition would wait for ever

// "localhost,.example.org": the host, or one below the domain.
bool bypasses(const std::vector<std::string>& none, std::string_view host) {
    for (const auto& entry : none) {
        std::string_view name = entry;
        if (name == "*" || name == host) return true;
        if (name.starts_with('.')) name.remove_prefix(1);
        if (host.size() > name.size() && host.ends_with(name) && host[host.size() - name.size() - 1] == '.')
            return true;
    }
    return false;
}

// The machine's own with those that the configuration adds, in a file that OpenSSL reads.
Result<std::string> authorities_file(const std::string& pem) {
    auto file = kAuthorities + sha256_hex(pem).substr(0, 16) + ".pem";
    if (sys::exists(file)) return file;
    TRY(sys::make_dirs("/run/diatom/config", 0700));
    TRY(sys::write_file(file, sys::read_file(kBundle).value_or("") + "\n" + pem));
    return file;
}

Result<std::string> fetch(Fetching& fetching, const ignition::Request& request) {
    FetchRequest wanted{.url = request.url};
    for (const auto& header : request.headers) wanted.headers[header.name] = header.value;
    const auto& access = request.access;
    const auto url = TRY(http::Url::parse(request.url));
    if (!bypasses(access.no_proxy, url.host)) wanted.http.proxy = url.tls ? access.https_proxy : access.http_proxy;
    if (!access.authorities.empty()) wanted.http.ca_file = TRY(authorities_file(access.authorities));
    wanted.patience = std::chrono::seconds(access.total_timeout_s > 0 ? access.total_timeout_s : kTotalS);
    wanted.stall = std::chrono::seconds(access.header_timeout_s > 0 ? access.header_timeout_s : kStallS);
    return fetching.get(wanted);
}

// On CoreOS this file is how a machine gets its name.
void take_host_name(Value& machine) {
    const auto& file = machine.at("files").at("/etc/hostname");
    if (!file.has("content") || file.boolean_of("append")) return;
    auto name = Value::of(trim(file.text_of("content")));
    name.set_mark(file.mark());
    auto& files = *machine.find("files");
    files.erase("/etc/hostname");
    if (files.members().empty()) machine.erase("files");
    machine.set("hostname", std::move(name));
}

}  // namespace

void take_ignition(const std::string& text, const std::string& file, const std::string& source, Fetching& fetching,
                   Gathered& gathered) {
    auto translation =
        ignition::translate(text, file, [&](const ignition::Request& request) { return fetch(fetching, request); });
    gathered.ignition = sha256_hex(gathered.ignition + text);
    for (auto& warning : translation.report.warnings) gathered.warnings.push_back(std::move(warning));
    for (auto& problem : translation.report.problems) gathered.refused.push_back(std::move(problem));
    if (!translation.ok()) return;
    take_host_name(translation.machine);
    gathered.ignition_machine = translation.machine;
    gathered.layers.add(source, std::move(translation.machine));
}

}  // namespace diatom::configure
