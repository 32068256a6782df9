// The machine's own means of asking: what it looks like, seeds on its disks, its network.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/strings.h"
#include "configure/gather.h"
#include "configure/network.h"
#include "configure/outside.h"
#include "platform/label.h"
#include "proc/spawn.h"
#include "sys/file.h"
#include "sys/mount.h"

namespace diatom::configure {
namespace {

constexpr const char* kBlocks = "/sys/class/block";
constexpr const char* kSeeds = "/run/diatom/seed";
constexpr const char* kOnline = "/run/diatom/online";
constexpr const char* kNowhere = "/run/diatom/nowhere";  // where nobody ever handed anything over
constexpr std::array<std::string_view, 5> kNoSeeds{"loop", "ram", "zram", "nbd", "fd"};
constexpr int kNetworkMs = 60'000, kOnlineS = 120;
constexpr std::uint64_t kMountFlags = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

// udev is not there yet, so labels are read from the devices themselves.
std::vector<std::pair<std::string, std::string>> labelled_devices() {
    std::vector<std::pair<std::string, std::string>> found;
    auto names = sys::list_dir(kBlocks).value_or(std::vector<std::string>());
    std::ranges::sort(names);
    for (const auto& name : names) {
        if (std::ranges::any_of(kNoSeeds, [&](auto prefix) { return name.starts_with(prefix); })) continue;
        const auto size = sys::read_file(std::format("{}/{}/size", kBlocks, name), 64).value_or("0");
        if (trim(size) == "0") continue;
        const auto device = sys::open_path("/dev/" + name, O_RDONLY | O_NONBLOCK);
        if (!device) continue;
        std::string head(platform::kLabelHead, '\0');
        const auto got = ::pread(device->raw(), head.data(), head.size(), 0);
        if (got <= 0) continue;
        const auto label = platform::file_system_label(std::string_view(head).substr(0, static_cast<std::size_t>(got)));
        if (label && !label->empty()) found.emplace_back(*label, "/dev/" + name);
    }
    return found;
}

Result<std::string> mount_seed(const std::string& label) {
    for (const auto& [found, device] : labelled_devices()) {
        if (found != label) continue;
        auto directory = std::format("{}/{}", kSeeds, device.substr(5));
        if (sys::is_mount_point(directory)) return directory;
        TRY(sys::make_dirs(directory, 0700));
        auto mounted = sys::mount_fs("iso9660", directory, {{"source", device}}, kMountFlags);
        if (!mounted) mounted = sys::mount_fs("vfat", directory, {{"source", device}}, kMountFlags);
        TRY(std::move(mounted), "mount {}", device);
        return directory;
    }
    return fail(Kind::not_found, "no device has the label {}", label);
}

// What the machine itself says of its network: what was handed over may be another machine's, whose disk this was.
bool is_network_said() {
    const auto machine = gather(Places{.root = {kNowhere}}).layers.merged();
    return !machine.at("network").members().empty() && write_network(machine, {}).has_value();
}

// Long enough for one address of any kind; the service `network` takes it over with the lease.
Result<void> raise_as_said() {
    if (sys::exists(kOnline)) return {};
    proc::SpawnRequest request;
    if (is_network_said()) {
        request.path = "/usr/bin/diatom";
        request.argv = {"diatom", "network", "raise"};
    } else {
        request.path = "/usr/sbin/dhcpcd";
        request.argv = {
            "dhcpcd", "--oneshot", "--waitip", "--timeout", "30", "--config", "/usr/share/diatom/dhcpcd.conf"};
    }
    const auto program = request.argv.front();
    request.env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
    const auto output = TRY(proc::run(std::move(request), kNetworkMs));
    if (output.status == sys::ExitStatus{}) return {};
    return fail(
        Kind::unavailable, "{} ended with {}: {}", program, output.status.shell_code(),
        trim(std::string_view(output.out).substr(output.out.size() - std::min<std::size_t>(output.out.size(), 500))));
}

Result<void> await_network() {
    for (int second = 0; second < kOnlineS; ++second) {
        if (sys::exists(kOnline)) return {};
        ::sleep(1);
    }
    return fail(Kind::timed_out, "there is no network");
}

}  // namespace

void leave_seeds() {
    for (const auto& name : sys::list_dir(kSeeds).value_or(std::vector<std::string>()))
        std::ignore = sys::unmount(std::format("{}/{}", kSeeds, name));
    std::ignore = sys::remove_tree(kSeeds);
}

OutsideMeans OutsideMeans::real() {
    OutsideMeans means;
    means.facts = [] {
        auto facts = platform::read_facts();
        for (const auto& [label, device] : labelled_devices()) {
            if (!std::ranges::contains(facts.labels, label)) facts.labels.push_back(label);
        }
        return facts;
    };
    means.mount = mount_seed;
    means.raise_network = raise_as_said;
    return means;
}

OutsideMeans OutsideMeans::running() {
    auto means = real();
    means.raise_network = await_network;
    return means;
}

}  // namespace diatom::configure
