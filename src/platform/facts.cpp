#include "platform/facts.h"

#include "base/strings.h"
#include "sys/file.h"

namespace diatom::platform {
namespace {

constexpr std::size_t kMaxFact = 64U << 10U;
constexpr int kMaxDepth = 4;  // opt/io.systemd.credentials/NAME

// What cannot be read is not known.
std::string fact(const std::string& path) {
    const auto text = sys::read_file(path, kMaxFact);
    return text ? std::string(trim(*text)) : std::string();
}

// udev writes what is no letter, digit or one of a few marks as \xHH.
std::string unescape(std::string_view name) {
    std::string text;
    for (std::size_t i = 0; i < name.size(); ++i) {
        const auto digits = name.substr(i).starts_with("\\x") ? name.substr(i + 2, 2) : std::string_view();
        constexpr std::string_view kHex = "0123456789abcdef";
        const auto high = digits.size() == 2 ? kHex.find(digits[0]) : std::string_view::npos;
        const auto low = digits.size() == 2 ? kHex.find(digits[1]) : std::string_view::npos;
        if (high == std::string_view::npos || low == std::string_view::npos) {
            text += name[i];
            continue;
        }
        text += static_cast<char>(high * 16 + low);
        i += 3;
    }
    return text;
}

// An item is a directory with a file "raw".
void list_items(const std::string& directory, const std::string& name, int depth, std::vector<std::string>& items) {
    if (sys::exists(directory + "/raw")) {
        items.push_back(name);
        return;
    }
    const auto entries = depth < kMaxDepth ? sys::list_dir(directory) : Result<std::vector<std::string>>();
    if (!entries) return;
    for (const auto& entry : *entries) list_items(directory + "/" + entry, name + "/" + entry, depth + 1, items);
}

}  // namespace

Facts read_facts(const FactPlaces& places) {
    Facts facts;
    const auto dmi = [&](const char* name) { return fact(places.dmi + "/" + name); };
    facts.dmi = {.sys_vendor = dmi("sys_vendor"),
                 .product_name = dmi("product_name"),
                 .product_serial = dmi("product_serial"),
                 .product_uuid = dmi("product_uuid"),
                 .chassis_asset_tag = dmi("chassis_asset_tag"),
                 .chassis_serial = dmi("chassis_serial")};
    facts.hypervisor_uuid = fact(places.hypervisor + "/uuid");
    facts.command_line = fact(places.command_line);
    for (const auto& label : sys::list_dir(places.labels).value_or(std::vector<std::string>())) {
        facts.labels.push_back(unescape(label));
    }
    list_items(places.firmware + "/opt", "opt", 0, facts.firmware_items);
    facts.file = sys::exists(places.file);
    return facts;
}

}  // namespace diatom::platform
