#include "init/machine_setup.h"

#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "base/strings.h"
#include "config/boot_config.h"
#include "net/links.h"
#include "sys/file.h"

namespace diatom::init {
namespace {

constexpr std::size_t kSeedBytes = 512;
constexpr rlim_t kSoftFiles = 65536, kHardFiles = 1048576;

bool is_machine_id(std::string_view id) {
    return id.size() == 32 &&
           std::ranges::all_of(id, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Result<std::string> random_bytes(std::size_t size) {
    std::string bytes(size, '\0');
    // GRND_INSECURE (Linux 5.6): never blocks; early numbers may be guessable, which an id and a seed can bear.
    if (::getrandom(bytes.data(), size, GRND_INSECURE) != static_cast<ssize_t>(size))
        return fail_errno(errno, "get random bytes");
    return bytes;
}

Result<std::string> random_machine_id() {
    const auto bytes = TRY(random_bytes(16));
    std::array<std::uint8_t, 16> id;
    std::memcpy(id.data(), bytes.data(), id.size());
    // A version 4 UUID (RFC 9562), as machine-id(5) asks.
    id[6] = static_cast<std::uint8_t>((id[6] & 0x0fU) | 0x40U);
    id[8] = static_cast<std::uint8_t>((id[8] & 0x3fU) | 0x80U);
    return to_hex(id);
}

bool in_virtual_machine() {
    const auto info = sys::read_file("/proc/cpuinfo", 64U << 10U);
    return info && info->contains(" hypervisor");
}

Result<void> apply_sysctl(std::string_view line, const std::string& proc_sys) {
    const auto pair = cut(line, '=');
    if (!pair) return fail(Kind::invalid, "sysctl \"{}\": there is no '='", line);
    std::string path(trim(pair->first));
    std::ranges::replace(path, '.', '/');
    if (path.contains("//") || path.starts_with('/')) return fail(Kind::invalid, "sysctl \"{}\": not a name", line);
    return sys::write_control(proc_sys + "/" + path, std::string(trim(pair->second)));
}

std::int64_t modified_s(const std::string& path) {
    const auto status = sys::stat_path(path);
    return status ? status->st_mtim.tv_sec : 0;
}

Result<void> raise_link(const std::string& name) {
    auto links = TRY(net::Links::open());
    TRY(links.set_up(TRY(links.get(name)).index), "raise the link {}", name);
    return {};
}

}  // namespace

std::vector<std::string> apply_sysctls(const std::string& file, const std::string& proc_sys) {
    const auto text = sys::read_file(file, 1U << 20U);
    if (!text) return {text.error().what()};
    std::vector<std::string> problems;
    for (auto line : split(*text, '\n')) {
        line = trim(line);
        if (line.empty() || line.starts_with('#') || line.starts_with(';')) continue;
        if (auto applied = apply_sysctl(line, proc_sys); !applied) problems.push_back(applied.error().what());
    }
    return problems;
}

Result<std::string> set_hostname(const std::string& configured, const std::string& state_dir) {
    std::string name = configured;
    if (name.empty()) {
        const auto saved = sys::read_file(state_dir + "/hostname", 256);
        if (saved && config::is_host_name(trim(*saved))) name = trim(*saved);
    }
    if (name.empty()) name = "diatom";
    if (::sethostname(name.data(), name.size()) < 0) return fail_errno(errno, "set the host name to {}", name);
    for (const auto* file : {"/etc/hostname", config::kNameOfBoot}) TRY(sys::write_file(file, name + "\n"));
    return name;
}

std::string machine_id_of_uuid(std::string_view uuid) {
    std::string id = to_lower(trim(uuid));
    std::erase(id, '-');
    const auto all = [&](char digit) { return std::ranges::all_of(id, [=](char c) { return c == digit; }); };
    return is_machine_id(id) && !all('0') && !all('f') ? id : "";
}

Result<std::string> set_machine_id(const std::string& state_dir, bool durable, const std::string& etc_file) {
    const std::string saved_path = state_dir + "/machine-id";
    const auto saved = sys::read_file(saved_path, 64);
    std::string id(saved ? trim(*saved) : "");
    if (!is_machine_id(id)) {
        id.clear();
        if (in_virtual_machine()) {
            const auto uuid = sys::read_file("/sys/class/dmi/id/product_uuid", 64);
            if (uuid) id = machine_id_of_uuid(*uuid);
        }
        if (id.empty()) id = TRY(random_machine_id());
        if (durable) TRY(sys::write_file_atomic(saved_path, id + "\n", 0444));
    }
    TRY(sys::write_file(etc_file, id + "\n", 0444));
    return id;
}

Result<void> raise_loopback() { return raise_link("lo"); }

std::vector<std::string> raise_links(const std::string& sys_class_net) {
    std::vector<std::string> problems;
    const auto names = sys::list_dir(sys_class_net);
    for (const auto& name : names ? *names : std::vector<std::string>{}) {
        if (!sys::exists(sys_class_net + "/" + name + "/device")) continue;  // a bridge, a tunnel: not hardware
        const auto mode = std::format("/proc/sys/net/ipv6/conf/{}/addr_gen_mode", name);
        // Where there is no IPv6, the kernel gives no address either.
        const auto set = sys::exists(mode) ? sys::write_control(mode, "1") : Result<void>{};
        const auto up = set ? raise_link(name) : set;
        if (!up) problems.emplace_back(up.error().what());
    }
    return problems;
}

Result<void> raise_limits() {
    const rlimit files{kSoftFiles, kHardFiles};
    if (::setrlimit(RLIMIT_NOFILE, &files) < 0) return fail_errno(errno, "raise the limit of open files");
    return {};
}

Result<void> load_random_seed(const std::string& state_dir) {
    const auto seed = sys::read_file(state_dir + "/random-seed", 4096);
    if (!seed) return {};  // the first boot
    return sys::write_control("/dev/urandom", *seed);
}

Result<void> save_random_seed(const std::string& state_dir) {
    return sys::write_file(state_dir + "/random-seed", TRY(random_bytes(kSeedBytes)), 0600);
}

Result<bool> correct_clock(const std::string& release_file, const std::string& state_dir) {
    const std::int64_t floor = std::max(modified_s(release_file), modified_s(state_dir + "/random-seed"));
    if (::time(nullptr) >= floor) return false;
    const timespec time{floor, 0};
    if (::clock_settime(CLOCK_REALTIME, &time) < 0) return fail_errno(errno, "set the clock");
    return true;
}

}  // namespace diatom::init
