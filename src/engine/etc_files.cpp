#include "engine/etc_files.h"

#include <unistd.h>

#include <array>

#include "base/strings.h"
#include "sys/file.h"

namespace diatom::engine {
namespace {

std::string machine_name() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : std::string();
}

bool is_loopback(std::string_view address) { return address.starts_with("127.") || address == "::1"; }

// Of the machine's file, the words after each line that begins with `key`.
std::vector<std::string> values_of(std::string_view text, std::string_view key) {
    std::vector<std::string> values;
    for (const auto line : split(text, '\n')) {
        const auto words = split_words(line);
        if (words.size() < 2 || words[0] != key) continue;
        for (std::size_t i = 1; i < words.size(); ++i) values.emplace_back(words[i]);
    }
    return values;
}

}  // namespace

std::string hostname_of(const Container& container) {
    const auto& config = container.config;
    if (config.uts_mode == "host") return machine_name();
    if (!config.hostname.empty()) return config.hostname;
    if (config.network_mode == "host") return machine_name();
    return container.id.substr(0, 12);
}

Result<std::string> hosts_text(const Container& container, const net::Address& host_gateway) {
    std::string text =
        "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost "
        "ip6-loopback\nfe00::\tip6-localnet\nff00::\tip6-mcastprefix\n"
        "ff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n";
    for (const auto& entry : container.config.extra_hosts) {
        const auto halves = cut(entry, ':');
        if (!halves || halves->first.empty()) return fail(Kind::invalid, "bad format for add-host: \"{}\"", entry);
        std::string address(halves->second);
        if (address == "host-gateway") {
            if (host_gateway.empty()) {
                return fail(Kind::invalid,
                            "unable to derive the IP value for host-gateway: this engine has no bridge network");
            }
            address = host_gateway.text();
        }
        if (!net::Address::parse(address))
            return fail(Kind::invalid, "invalid IP address in add-host: \"{}\"", address);
        text += address + "\t" + std::string(halves->first) + "\n";
    }
    const std::string name = hostname_of(container);
    const auto& domain = container.config.domainname;
    const std::string names = domain.empty() ? name : name + "." + domain + " " + name;
    for (const auto& endpoint : container.endpoints) {
        if (!endpoint.ip4.empty()) text += endpoint.ip4.text() + "\t" + names + "\n";
        if (!endpoint.ip6.empty()) text += endpoint.ip6.text() + "\t" + names + "\n";
    }
    return text;
}

std::string resolv_conf_text(const ContainerConfig& config, std::string_view host) {
    if (config.network_mode == "host" && config.dns.empty() && config.dns_search.empty() &&
        config.dns_options.empty()) {
        return std::string(host);
    }
    std::string text;
    auto servers = config.dns;
    if (servers.empty()) {
        for (auto& server : values_of(host, "nameserver")) {
            if (config.network_mode == "host" || !is_loopback(server)) servers.push_back(std::move(server));
        }
    }
    for (const auto& server : servers) text += "nameserver " + server + "\n";
    const auto search = config.dns_search.empty() ? values_of(host, "search") : config.dns_search;
    if (!search.empty() && !(search.size() == 1 && search.front() == ".")) text += "search " + join(search, " ") + "\n";
    const auto options = config.dns_options.empty() ? values_of(host, "options") : config.dns_options;
    if (!options.empty()) text += "options " + join(options, " ") + "\n";
    return text;
}

Result<void> write_etc_files(Container& container, const std::string& directory, const net::Address& host_gateway) {
    TRY(sys::make_dirs(directory, 0711));
    container.hostname_path = directory + "/hostname";
    container.hosts_path = directory + "/hosts";
    container.resolv_conf_path = directory + "/resolv.conf";
    TRY(sys::write_file(container.hostname_path, hostname_of(container) + "\n"));
    TRY(sys::write_file(container.hosts_path, TRY(hosts_text(container, host_gateway))));
    const std::string host = sys::read_file("/etc/resolv.conf").value_or("");
    TRY(sys::write_file(container.resolv_conf_path, resolv_conf_text(container.config, host)));
    return {};
}

}  // namespace diatom::engine
