// The time zone, and who keeps the clock.
#include <format>

#include "base/strings.h"
#include "configure/apply.h"
#include "sys/file.h"

namespace diatom::configure {
namespace {

// NAME, seconds east of Greenwich without summer time, abbreviation, rule of POSIX: made when the image is built.
constexpr const char* kZones = "/usr/share/diatom/zones";
constexpr const char* kServers = "/run/chrony/sources/configuration.sources";
constexpr const char* kConf = "/run/diatom/time/chrony.conf";
constexpr const char* kImageConf = "/usr/share/diatom/chrony.conf";

struct Zone {
    std::int32_t offset = 0;
    std::string abbreviation, rule;
};

Result<Zone> find_zone(const Root& root, const std::string& name) {
    const auto table = TRY(sys::read_file(root.at(kZones)));
    for (const auto line : split(table, '\n')) {
        const auto words = split_words(line);
        if (words.size() != 4 || words[0] != name) continue;
        const auto offset = parse_int(words[1]);
        if (!offset) return fail(Kind::corrupt, "{}: {}", kZones, line);
        return Zone{static_cast<std::int32_t>(*offset), std::string(words[2]), std::string(words[3])};
    }
    return fail(Kind::not_found, "there is no time zone of this name: it is one such as Europe/Berlin");
}

void put(std::string& bytes, std::uint64_t number, int size) {
    for (int shift = (size - 1) * 8; shift >= 0; shift -= 8)
        bytes += static_cast<char>(number >> static_cast<unsigned>(shift));
}

// RFC 9636: nothing for readers of version 1; for others one change long ago, so that the rule holds for all that comes
// after it.
std::string zone_file(const Zone& zone) {
    const auto header = [](std::uint64_t changes, std::uint64_t letters) {
        std::string bytes = "TZif2" + std::string(15, '\0');
        for (const auto count :
             {std::uint64_t{0}, std::uint64_t{0}, std::uint64_t{0}, changes, std::uint64_t{1}, letters})
            put(bytes, count, 4);
        return bytes;
    };
    const auto type = [&](std::int32_t offset, const std::string& letters) {
        std::string bytes;
        put(bytes, static_cast<std::uint32_t>(offset), 4);
        return bytes + std::string(2, '\0') + letters + '\0';
    };
    auto file = header(0, 4) + type(0, "UTC");
    file += header(1, zone.abbreviation.size() + 1);
    put(file, static_cast<std::uint64_t>(std::int64_t{-1} << 31), 8);
    file += '\0';  // the change is to the first type
    return file + type(zone.offset, zone.abbreviation) + "\n" + zone.rule + "\n";
}

Result<void> set_zone(const Root& root, const std::string& name) {
    const auto zone = TRY(find_zone(root, name));
    TRY(sys::replace_file(root.at("/etc/localtime"), zone_file(zone)));
    return sys::replace_file(root.at("/etc/timezone"), name + "\n");
}

// The image's, without its public pool.
Result<void> set_servers(const Root& root, const std::vector<std::string>& servers) {
    const auto image = TRY(sys::read_file(root.at(kImageConf)));
    std::string conf;
    for (const auto line : split(image, '\n')) {
        if (!line.empty() && !line.starts_with("pool ") && !line.starts_with('#')) conf += std::string(line) + "\n";
    }
    std::string sources;
    for (const auto& server : servers) sources += std::format("server {} iburst\n", server);
    TRY(sys::make_dirs(root.at("/run/diatom/time")));
    TRY(sys::make_dirs(root.at("/run/chrony/sources"), 0750));
    TRY(sys::replace_file(root.at(kServers), sources));
    return sys::replace_file(root.at(kConf), conf);
}

bool is_host(std::string_view text) {
    return !text.empty() && text.find_first_of(" \t\n#!;%") == std::string_view::npos;
}

}  // namespace

void plan_time(const Value& machine, const Root& root, Plan& plan) {
    const auto& time = machine.at("time");
    if (const auto zone = time.text_of("zone"); !zone.empty())
        plan.steps.push_back(
            {"time.zone", std::format("tell time as in {}", zone), [=] { return set_zone(root, zone); }});
    auto servers = time.texts_of("servers");
    for (const auto& server : servers) {
        if (!is_host(server))
            plan.warnings.push_back(time.at("servers").error("time.servers", "has what is no host").error().what());
    }
    std::erase_if(servers, [](const std::string& server) { return !is_host(server); });
    if (servers.empty()) return;
    plan.steps.push_back(
        {"time.servers", "name the servers that the clock is kept by", [=] { return set_servers(root, servers); }});
}

}  // namespace diatom::configure
