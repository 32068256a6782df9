#include "uplink/names.h"

#include <algorithm>
#include <format>

#include "base/strings.h"
#include "sys/file.h"

namespace diatom::uplink {
namespace {

constexpr std::string_view kSuffix = ".configuration";

// A line of resolv.conf(5) has room for words only.
bool is_word(const std::string& text) {
    return !text.empty() && std::ranges::all_of(text, [](unsigned char c) { return c > ' ' && c != 0x7f; });
}

std::string record(const Names& names, const std::string& link) {
    std::string text;
    for (const auto& server : names.servers) {
        const auto address = net::Address::parse(server);
        if (!address) continue;
        const bool near = address->family() == net::Address::Family::v6 && net::is_link_local(*address);
        text += std::format("nameserver {}{}\n", server, near && !link.empty() ? "%" + link : "");
    }
    auto domains = names.search;
    std::erase_if(domains, [](const std::string& domain) { return !is_word(domain); });
    if (!domains.empty()) text += std::format("search {}\n", join(domains, " "));
    return text;
}

// "eth0.5.dhcp" is of eth0.5.
bool is_of_asker(const std::string& name, const Wanted& wanted) {
    if (wanted.any_will_do) return true;
    const auto halves = cut_last(name, '.');
    const auto* link = halves ? wanted.find(std::string(halves->first)) : nullptr;
    return link != nullptr && link->asks.anything();
}

}  // namespace

std::map<std::string, std::string> name_records(const Wanted& wanted) {
    std::map<std::string, std::string> records;
    if (!wanted.names.empty()) records.emplace(std::format("!{}", kSuffix), record(wanted.names, ""));
    for (std::size_t i = 0; i < wanted.links.size(); ++i) {
        const auto& link = wanted.links[i];
        if (!link.names.empty())
            records.emplace(std::format("!{:03}-{}{}", i, link.name, kSuffix), record(link.names, link.name));
    }
    return records;
}

Result<bool> write_name_records(const std::string& directory, const Wanted& wanted) {
    TRY(sys::make_dirs(directory, 0755));
    const auto records = name_records(wanted);
    bool changed = false;
    for (const auto& name : TRY(sys::list_dir(directory))) {
        if (records.contains(name) || name.ends_with(".new")) continue;
        if (!name.ends_with(kSuffix) && is_of_asker(name, wanted)) continue;
        TRY(sys::remove_file(directory + "/" + name));
        changed = true;
    }
    for (const auto& [name, text] : records) {
        const auto file = directory + "/" + name;
        if (sys::exists(file) && TRY(sys::read_file(file)) == text) continue;
        TRY(sys::replace_file(file, text));
        changed = true;
    }
    return changed;
}

}  // namespace diatom::uplink
