// Names, time, certificates, resolvers. Source: cloud-init 25.2, "Set Hostname", "Update Etc Hosts", "NTP", "Timezone",
// "CA Certificates" and "Resolv Conf"; get_hostname_fqdn in cloudinit/util.py.
#include <array>

#include "base/strings.h"
#include "cloud/draft.h"

namespace diatom::cloud {
namespace {

constexpr std::string_view kClient =
    "the clock is kept by the system's own NTP client: only servers and pools are taken";
constexpr std::array kNtpKeys{
    Known{"pools"},           Known{"servers"},        Known{"enabled"},
    Known{"peers", kClient},  Known{"allow", kClient}, Known{"ntp_client", kClient},
    Known{"config", kClient},
};
constexpr std::array kCertificateKeys{Known{"remove_defaults"}, Known{"trusted"}};
constexpr std::array kVendorKeys{
    Known{"enabled"},
    Known{"prefix", "the vendor's scripts are run as they are, with no program before them"},
};
constexpr std::array kResolverKeys{
    Known{"nameservers"},
    Known{"searchdomains"},
    Known{"domain"},
    Known{"sortlist", "what a resolver answers is not sorted"},
    Known{"options", "options of resolv.conf are a matter of each container (dns_opt)"},
};

// A name with a dot is the full one; the part before the dot is the machine's.
void read_names(const Section& config, Draft& draft) {
    const auto hostname = config.text("hostname");
    const auto given = config.text("fqdn");
    const auto* name_from = config.find(given && !hostname ? "fqdn" : "hostname");
    const bool dotted = !given && hostname && hostname->find('.') != std::string::npos && !hostname->starts_with('.');
    const auto full = given ? given : dotted ? hostname : std::nullopt;
    draft.keeps_hostname = config.flag("preserve_hostname").value_or(false);
    if (full) {
        const auto* from = config.find(given ? "fqdn" : "hostname");
        draft.document.set("fqdn", placed(Value::of(*full), *from));
    }
    if (draft.keeps_hostname || (!hostname && !full)) return;
    const auto short_name = hostname && !dotted ? *hostname : full->substr(0, full->find('.'));
    const bool prefers_full = config.flag("prefer_fqdn_over_hostname").value_or(false) && full;
    draft.document.set("hostname", placed(Value::of(prefers_full ? *full : short_name), *name_from));
}

// The system writes /etc/hosts with its own name in any case, so that what is asked for is there.
void read_hosts(const Section& config) {
    const auto* hosts = config.find("manage_etc_hosts");
    if (hosts == nullptr || truth(*hosts)) return;
    const auto word = hosts->scalar_text();
    if (word != "localhost" && word != "template") config.bad("manage_etc_hosts", "must be true, false or localhost");
}

void read_time(const Section& config, Draft& draft) {
    if (config.has("timezone")) config.text_to("timezone", draft.part({"time"}, *config.find("timezone")), "zone");
    const auto ntp = config.below("ntp");
    if (!ntp) return;
    ntp->expect(kNtpKeys);
    auto servers = placed(Value::list(), ntp->value());
    for (const auto* key : {"servers", "pools"}) {
        const auto names = ntp->texts(key);
        for (const auto& name : names ? names->items() : std::vector<Value>()) servers.add(name);
    }
    auto& time = draft.part({"time"}, ntp->value());
    if (!servers.items().empty()) time.set("servers", std::move(servers));
    ntp->flag_to("enabled", time, "enabled");
}

void read_certificates(const Section& config, Draft& draft) {
    const auto certificates = config.below("ca_certs");
    if (!certificates) return;
    certificates->expect(kCertificateKeys);
    auto& entry = draft.part({"certificates"}, certificates->value());
    certificates->texts_to("trusted", entry, "trusted");
    certificates->flag_to("remove_defaults", entry, "only_these");
}

void read_resolvers(const Section& config, Draft& draft) {
    const bool wanted = config.flag("manage_resolv_conf").value_or(false);
    const auto resolvers = config.below("resolv_conf");
    if (!resolvers || !wanted) return;
    resolvers->expect(kResolverKeys);
    auto& dns = draft.part({"network", "dns"}, resolvers->value());
    resolvers->texts_to("nameservers", dns, "servers");
    auto search = resolvers->texts("searchdomains").value_or(placed(Value::list(), resolvers->value()));
    if (const auto domain = resolvers->text("domain"))
        search.items().insert(search.items().begin(), placed(Value::of(*domain), *resolvers->find("domain")));
    if (!search.items().empty()) dns.set("search", std::move(search));
}

// They were heard when the parts of user-data were sorted out (translate.cpp, user_data.cpp).
void check_handling(const Section& config) {
    config.number("launch_index");
    const auto vendor = config.below("vendor_data");
    if (!vendor) return;
    vendor->expect(kVendorKeys);
    vendor->flag("enabled");
}

}  // namespace

void translate_settings(const Section& config, Draft& draft) {
    read_names(config, draft);
    read_hosts(config);
    read_time(config, draft);
    read_certificates(config, draft);
    read_resolvers(config, draft);
    check_handling(config);
    if (const auto version = config.text("version"); version && *version != "v1")
        config.bad("version", "must be v1: there is no other");
}

}  // namespace diatom::cloud
