#include "platform/identify.h"

#include <algorithm>
#include <array>
#include <format>

#include "base/strings.h"

namespace diatom::platform {
namespace {

struct Rule {
    Platform platform;
    std::string_view cloud;
    std::string_view reason;
    bool (*holds)(const Facts& facts);
};

// AWS's advice for telling its machines: the UUID begins with ec2, in either byte order of its first part; since any
// UUID may, the serial number has to be the same (Nitro), or the hypervisor's has to begin so, too (Xen).
bool is_aws(const Facts& facts) {
    const auto uuid = to_lower(facts.dmi.product_uuid);
    return facts.dmi.sys_vendor == "Amazon EC2" || to_lower(facts.hypervisor_uuid).starts_with("ec2") ||
           (uuid.starts_with("ec2") && uuid == to_lower(facts.dmi.product_serial));
}

bool is_openstack_tag(std::string_view tag) {
    constexpr std::array<std::string_view, 6> kTags{"OpenStack Nova",   "OpenStack Compute", "HUAWEICLOUD",
                                                    "OpenTelekomCloud", "SAP CCloud VM",     "Samsung Cloud Platform"};
    return std::ranges::find(kTags, tag) != kTags.end();
}

constexpr std::array kRules{
    Rule{Platform::ec2, "brightbox", "the serial number is one of Brightbox",
         [](const Facts& f) { return f.dmi.product_serial.ends_with(".brightbox.com"); }},
    Rule{Platform::ec2, "zstack", "the asset tag is one of ZStack",
         [](const Facts& f) { return f.dmi.chassis_asset_tag.ends_with(".zstack.io"); }},
    Rule{Platform::ec2, "e24cloud", "the vendor is e24cloud",
         [](const Facts& f) { return f.dmi.sys_vendor == "e24cloud"; }},
    Rule{Platform::ec2, "tilaa", "the vendor is Tilaa", [](const Facts& f) { return f.dmi.sys_vendor == "Tilaa"; }},
    Rule{Platform::ec2, "outscale", "the machine is a 3DS Outscale VM",
         [](const Facts& f) { return f.dmi.sys_vendor == "3DS Outscale" && f.dmi.product_name == "3DS Outscale VM"; }},
    Rule{Platform::ec2, "aws", "the machine is Amazon's", is_aws},
    Rule{Platform::gce, "google", "the machine is Google's",
         [](const Facts& f) {
             return f.dmi.product_name == "Google Compute Engine" || f.dmi.product_serial.starts_with("GoogleCloud-");
         }},
    Rule{Platform::azure, "azure", "the asset tag is Azure's",
         [](const Facts& f) { return f.dmi.chassis_asset_tag == "7783-7084-3265-9085-8269-3286-77"; }},
    Rule{Platform::digitalocean, "digitalocean", "the vendor is DigitalOcean",
         [](const Facts& f) { return f.dmi.sys_vendor == "DigitalOcean"; }},
    Rule{Platform::hetzner, "hetzner", "the vendor is Hetzner",
         [](const Facts& f) { return f.dmi.sys_vendor == "Hetzner"; }},
    Rule{Platform::openstack, "openstack", "the machine is one of OpenStack",
         [](const Facts& f) {
             return is_openstack_tag(f.dmi.chassis_asset_tag) || f.dmi.product_name == "OpenStack Nova" ||
                    f.dmi.product_name == "OpenStack Compute";
         }},
    Rule{Platform::vmware, "vmware", "the machine is VMware's",
         [](const Facts& f) { return f.dmi.sys_vendor == "VMware, Inc." || f.dmi.product_name.starts_with("VMware"); }},
};

// The label as the device has it, or "".
std::string find_label(const Facts& facts, std::initializer_list<std::string_view> wanted) {
    for (const auto& label : facts.labels) {
        if (std::ranges::find(wanted, std::string_view(to_lower(label))) != wanted.end()) return label;
    }
    return {};
}
std::string find_label_beginning(const Facts& facts, std::string_view begin) {
    const auto found =
        std::ranges::find_if(facts.labels, [&](const auto& label) { return to_lower(label).starts_with(begin); });
    return found == facts.labels.end() ? std::string() : *found;
}

// The file system that a platform hands documents over on.
std::string label_of(Platform platform, const Facts& facts) {
    switch (platform) {
        case Platform::nocloud: return find_label(facts, {"cidata"});
        case Platform::config_drive: return find_label(facts, {"config-2"});
        case Platform::azure: return find_label_beginning(facts, "rd_rdfe");
        case Platform::vmware: return find_label(facts, {"ovf-transport", "ovfenv", "ovf env"});
        default: return {};
    }
}

bool is_firmware_item(std::string_view item) {
    constexpr std::array<std::string_view, 6> kItems{"opt/diatom/user-data",
                                                     "opt/diatom/meta-data",
                                                     "opt/com.coreos/config",
                                                     "opt/org.flatcar-linux/config",
                                                     "opt/io.systemd.credentials/ssh.authorized_keys.root",
                                                     "opt/io.systemd.credentials/system.hostname"};
    return std::ranges::find(kItems, item) != kItems.end();
}

Candidate labelled(Platform platform, const Facts& facts, std::string reason, NoCloudSeed seed = {}) {
    return {.platform = platform,
            .cloud = {},
            .reason = std::move(reason),
            .seed = std::move(seed),
            .label = label_of(platform, facts),
            .url = {}};
}

// Every platform that shows itself.
std::vector<Candidate> visible(const Facts& facts, const Parameters& parameters) {
    std::vector<Candidate> found;
    if (std::ranges::any_of(facts.firmware_items, is_firmware_item))
        found.push_back(labelled(Platform::firmware, facts, "QEMU's fw_cfg has items for us"));
    if (parameters.seed)
        found.push_back(labelled(Platform::nocloud, facts, "the kernel command line names a seed", *parameters.seed));
    if (const auto seed = parse_nocloud(facts.dmi.product_serial))
        found.push_back(labelled(Platform::nocloud, facts, "the serial number names a seed", *seed));
    for (const auto platform : {Platform::nocloud, Platform::config_drive}) {
        if (const auto label = label_of(platform, facts); !label.empty())
            found.push_back(labelled(platform, facts, "a file system is labelled " + label));
    }
    for (const auto& rule : kRules) {
        if (!rule.holds(facts)) continue;
        auto candidate = labelled(rule.platform, facts, std::string(rule.reason));
        candidate.cloud = rule.cloud;
        found.push_back(std::move(candidate));
        break;
    }
    return found;
}

// What the command line chose: as it shows itself, or else unseen.
std::vector<Candidate> chosen(std::vector<Candidate> found, const Facts& facts, const Parameters& parameters) {
    if (*parameters.platform == Platform::none) return {};
    std::erase_if(found, [&](const Candidate& candidate) { return candidate.platform != *parameters.platform; });
    if (found.empty())
        found.push_back(labelled(*parameters.platform, facts, "the kernel command line says " + parameters.chosen_by));
    return found;
}

}  // namespace

Plan identify(const Facts& facts) {
    const auto parameters = parse_parameters(facts.command_line);
    Plan plan{.below = {}, .platform = visible(facts, parameters), .above = {}, .warnings = parameters.warnings};
    if (parameters.platform) plan.platform = chosen(std::move(plan.platform), facts, parameters);
    if (facts.file) plan.below.push_back(labelled(Platform::file, facts, "the state partition has user-data"));
    for (const auto& [key, url] : {std::pair("cloud-config-url", parameters.cloud_config_url),
                                   std::pair("ignition.config.url", parameters.ignition_url),
                                   std::pair("diatom.config", parameters.config_url)}) {
        if (url.empty()) continue;
        auto candidate = labelled(Platform::url, facts, std::format("the kernel command line has {}", key));
        candidate.url = url;
        plan.above.push_back(std::move(candidate));
    }
    return plan;
}

}  // namespace diatom::platform
