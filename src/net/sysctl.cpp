#include "net/sysctl.h"

#include "base/strings.h"
#include "net/network.h"
#include "sys/file.h"

namespace diatom::net {
namespace {

constexpr const char* kRoot = "/proc/sys/net/";

Result<std::string> get_sysctl(const std::string& name) {
    const std::string text = TRY(sys::read_file(kRoot + name), "read kernel parameter net/{}", name);
    return std::string(trim(text));
}

// Interfaces come and go while they are listed: one that is gone needs nothing.
Result<void> keep_router_advertisements() {
    for (const auto& interface : TRY(sys::list_dir(std::string(kRoot) + "ipv6/conf"), "list interfaces")) {
        const std::string name = "ipv6/conf/" + interface + "/accept_ra";
        const auto value = get_sysctl(name);
        if (!value || *value != "1") continue;
        auto result = set_sysctl(name, "2");
        if (!result && result.error().kind() != Kind::not_found) return result;
    }
    return {};
}

}  // namespace

bool has_ipv6() { return sys::exists(std::string(kRoot) + "ipv6"); }

Result<void> set_sysctl(const std::string& name, const std::string& value) {
    if (TRY(get_sysctl(name)) == value) return {};
    TRY(sys::write_control(kRoot + name, value), "set kernel parameter net/{} to {}", name, value);
    return {};
}

Result<void> set_interface_ipv6(const std::string& interface, Ipv6 wanted) {
    if (!has_ipv6()) {
        if (wanted == Ipv6::off) return {};
        return fail(Kind::unsupported,
                    "interface {} needs IPv6, which this kernel does not have: use a network without it", interface);
    }
    const std::string directory = "ipv6/conf/" + interface + "/";
    TRY(set_sysctl(directory + "disable_ipv6", wanted == Ipv6::on ? "0" : "1"));
    if (wanted == Ipv6::off) return {};
    TRY(set_sysctl(directory + "accept_ra", "0"));
    TRY(set_sysctl(directory + "accept_dad", "0"));
    return {};
}

Result<void> enable_forwarding(Ipv6 wanted) {
    TRY(set_sysctl("ipv4/ip_forward", "1"));
    if (wanted == Ipv6::off || !has_ipv6()) return {};
    if (TRY(get_sysctl("ipv6/conf/all/forwarding")) == "1") return {};
    TRY(keep_router_advertisements());
    TRY(set_sysctl("ipv6/conf/all/forwarding", "1"));
    return {};
}

}  // namespace diatom::net
