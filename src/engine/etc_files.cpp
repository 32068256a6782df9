#include "engine/etc_files.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "engine/endpoints.h"
#include "engine/legacy_links.h"
#include "net/resolver.h"
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

// Lines of /etc/hosts for the container's own name and those that it links to.
std::vector<std::string> own_lines(const Container& container) {
    const std::string name = hostname_of(container);
    const auto& domain = container.config.domainname;
    const std::string names = domain.empty() ? name : name + "." + domain + " " + name;
    std::vector<std::string> lines;
    for (const auto& endpoint : container.endpoints) {
        for (const auto& address : {endpoint.ip4, endpoint.ip6}) {
            if (!address.empty()) lines.push_back(address.text() + "\t" + names + "\n");
        }
    }
    std::ranges::move(link_lines(container), std::back_inserter(lines));
    return lines;
}

Resolver resolver_of(const Container& container) {
    const bool own = std::ranges::any_of(container.endpoints, [](const auto& e) { return is_user_defined(e.network); });
    return own ? Resolver::engine : Resolver::none;
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
    for (const auto& line : own_lines(container)) text += line;
    return text;
}

std::vector<std::string> name_servers(std::string_view resolv_conf) { return values_of(resolv_conf, "nameserver"); }

std::string resolv_conf_text(const ContainerConfig& config, std::string_view host, Resolver resolver) {
    if (resolver == Resolver::none && config.network_mode == "host" && config.dns.empty() &&
        config.dns_search.empty() && config.dns_options.empty()) {
        return std::string(host);
    }
    std::string text;
    auto servers = config.dns;
    if (resolver == Resolver::engine) {
        servers = {net::kResolverAddress};
    } else if (servers.empty()) {
        for (auto& server : values_of(host, "nameserver")) {
            if (config.network_mode == "host" || !is_loopback(server)) servers.push_back(std::move(server));
        }
    }
    for (const auto& server : servers) text += "nameserver " + server + "\n";
    const auto search = config.dns_search.empty() ? values_of(host, "search") : config.dns_search;
    if (!search.empty() && !(search.size() == 1 && search.front() == ".")) text += "search " + join(search, " ") + "\n";
    auto options = config.dns_options.empty() ? values_of(host, "options") : config.dns_options;
    // The names of containers have no dots: they are to be asked as they are.
    const auto is_ndots = [](const std::string& option) { return option.starts_with("ndots:"); };
    if (resolver == Resolver::engine && std::ranges::none_of(options, is_ndots)) options.emplace_back("ndots:0");
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
    TRY(sys::write_file(container.resolv_conf_path, resolv_conf_text(container.config, host, resolver_of(container))));
    return {};
}

Result<void> update_etc_files(const Container& before, const Container& after) {
    const std::string hosts = TRY(sys::read_file(after.hosts_path));
    const auto old_lines = own_lines(before), new_lines = own_lines(after);
    std::string text;
    for (const auto line : split(hosts, '\n')) {
        const std::string whole = std::string(line) + "\n";
        if (line.empty() || std::ranges::contains(old_lines, whole)) continue;
        text += whole;
    }
    for (const auto& line : new_lines) text += line;
    TRY(sys::write_file(after.hosts_path, text));
    if (resolver_of(before) == resolver_of(after)) return {};
    const std::string host = sys::read_file("/etc/resolv.conf").value_or("");
    const auto written = resolv_conf_text(before.config, host, resolver_of(before));
    if (TRY(sys::read_file(after.resolv_conf_path)) != written) return {};
    return sys::write_file(after.resolv_conf_path, resolv_conf_text(after.config, host, resolver_of(after)));
}

}  // namespace diatom::engine
