#include "engine/legacy_links.h"

#include <algorithm>
#include <tuple>

#include "base/strings.h"
#include "engine/endpoints.h"
#include "engine/etc_files.h"
#include "net/port.h"

namespace diatom::engine {
namespace {

std::string variable_prefix(const std::string& alias) {
    std::string prefix;
    for (const char c : alias) prefix += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    return prefix;
}

// TCP first, then by number: the first is what ALIAS_PORT names.
std::vector<net::Port> exposed_ports(const Container& container) {
    std::vector<net::Port> ports;
    for (const auto& text : container.config.exposed_ports) {
        const auto port = net::parse_port(text);
        if (port && !std::ranges::contains(ports, *port)) ports.push_back(*port);
    }
    std::ranges::sort(ports, {}, [](const net::Port& port) {
        return std::tuple(port.protocol != net::Protocol::tcp, std::string_view(net::protocol_name(port.protocol)),
                          port.number);
    });
    return ports;
}

void add_port(std::vector<std::string>& variables, const std::string& prefix, const std::string& address,
              const net::Port& port) {
    const std::string protocol = net::protocol_name(port.protocol);
    const auto name = std::format("{}_PORT_{}_{}", prefix, port.number, variable_prefix(protocol));
    variables.push_back(std::format("{}={}://{}:{}", name, protocol, address, port.number));
    variables.push_back(name + "_ADDR=" + address);
    variables.push_back(std::format("{}_PORT={}", name, port.number));
    variables.push_back(name + "_PROTO=" + protocol);
}

}  // namespace

Result<LinkNames> parse_link(const std::string& text) {
    const auto halves = cut(text, ':').value_or(Halves{text, text});
    auto target = halves.first, alias = halves.second;
    if (target.starts_with('/')) target.remove_prefix(1);
    // "/db:/web/db", as inspect tells it.
    if (const auto last = cut_last(alias, '/')) alias = last->second;
    if (target.empty() || alias.empty() || alias.contains(':'))
        return fail(Kind::invalid, "bad format for links: {}", text);
    return LinkNames{std::string(target), std::string(alias)};
}

Result<void> take_links(ContainerConfig& config, const std::string& mode) {
    for (auto& endpoint : config.networks) {
        if (endpoint.links.empty() || is_user_defined(endpoint.network)) continue;
        if (mode == "host" || mode == "none" || mode.starts_with("container:")) {
            const auto kind = mode.substr(0, mode.find(':'));
            return fail(Kind::invalid,
                        "conflicting options: {} type networking can't be used with links. This would result in "
                        "undefined behavior",
                        kind);
        }
        config.links = std::exchange(endpoint.links, {});
    }
    return {};
}

Result<void> refresh_link(const Container& container, ContainerLink& link, const Container& target) {
    link.name = target.name;
    link.names = {link.alias, hostname_of(target)};
    if (link.alias != target.name) link.names.push_back(target.name);
    if (target.state.status != Status::running && target.state.status != Status::paused) {
        return fail(Kind::conflict, "Cannot link to a non running container: /{} AS /{}/{}", target.name,
                    container.name, link.alias);
    }
    const auto endpoint = std::ranges::find(target.endpoints, "bridge", &EndpointState::network);
    if (endpoint == target.endpoints.end())
        return fail(Kind::conflict, "Cannot link to /{}, as it does not belong to the default network", target.name);
    link.ip4 = endpoint->ip4;
    link.ip6 = endpoint->ip6;
    return {};
}

std::vector<std::string> link_variables(const Container& container, const ContainerLink& link,
                                        const Container& target) {
    const auto prefix = variable_prefix(link.alias);
    const auto address = link.ip4.empty() ? "[" + link.ip6.text() + "]" : link.ip4.text();
    std::vector<std::string> variables;
    const auto ports = exposed_ports(target);
    if (!ports.empty()) {
        variables.push_back(
            std::format("{}_PORT={}://{}:{}", prefix, net::protocol_name(ports[0].protocol), address, ports[0].number));
    }
    for (const auto& port : ports) add_port(variables, prefix, address, port);
    variables.push_back(std::format("{}_NAME=/{}/{}", prefix, container.name, link.alias));
    for (const auto& variable : target.env) {
        const bool known = variable.contains('=') && !variable.starts_with("PATH=") && !variable.starts_with("HOME=");
        if (known) variables.push_back(prefix + "_ENV_" + variable);
    }
    return variables;
}

std::vector<std::string> link_lines(const Container& container) {
    std::vector<std::string> lines;
    for (const auto& link : container.links) {
        for (const auto& address : {link.ip4, link.ip6}) {
            if (!address.empty()) lines.push_back(address.text() + "\t" + join(link.names, " ") + "\n");
        }
    }
    return lines;
}

}  // namespace diatom::engine
