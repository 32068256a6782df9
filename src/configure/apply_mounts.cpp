// Mounts and swap.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/swap.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <format>

#include "base/strings.h"
#include "configure/apply.h"
#include "configure/file_system.h"
#include "sys/file.h"
#include "sys/mount.h"

namespace diatom::configure {
namespace {

constexpr const char* kStateDir = "/var/lib/diatom";
constexpr std::array<std::string_view, 5> kKept{"/home/", "/mnt/", "/opt/", "/srv/", "/var/lib/diatom/"};

struct Attribute {
    std::string_view name;
    std::uint64_t set;
};
constexpr std::array kAttributes{
    Attribute{"ro", MOUNT_ATTR_RDONLY},
    Attribute{"nosuid", MOUNT_ATTR_NOSUID},
    Attribute{"nodev", MOUNT_ATTR_NODEV},
    Attribute{"noexec", MOUNT_ATTR_NOEXEC},
    Attribute{"noatime", MOUNT_ATTR_NOATIME},
    Attribute{"relatime", MOUNT_ATTR_RELATIME},
    Attribute{"nodiratime", MOUNT_ATTR_NODIRATIME},
};
// Of mount(8) and of who calls it, not of the kernel.
constexpr std::array<std::string_view, 14> kOfOthers{"defaults", "auto",       "rw",     "suid",   "dev",
                                                     "exec",     "async",      "nofail", "nouser", "user",
                                                     "_netdev",  "nobootwait", "noauto", "users"};

struct Options {
    std::uint64_t attributes = 0;
    std::vector<sys::FsOption> of_type;
    bool bind = false, recursive = false;
};

Options read_options(const std::vector<std::string>& words) {
    Options options;
    for (const auto& word : words) {
        const auto known = std::ranges::find(kAttributes, std::string_view(word), &Attribute::name);
        if (known != kAttributes.end()) options.attributes |= known->set;
        else if (word == "bind") options.bind = true;
        else if (word == "rbind") options.bind = options.recursive = true;
        else if (std::ranges::contains(kOfOthers, std::string_view(word)) || word.starts_with("x-")) continue;
        else if (const auto halves = cut(word, '='))
            options.of_type.push_back({std::string(halves->first), std::string(halves->second)});
        else options.of_type.push_back({word, ""});
    }
    return options;
}

// What has no device has its name or its server as its source.
bool is_on_device(std::string_view source) {
    return source.starts_with("/dev/") || source.starts_with("LABEL=") || source.starts_with("UUID=") ||
           source.starts_with("PARTLABEL=") || source.starts_with("PARTUUID=");
}

Result<void> make_target(const std::string& target) {
    if (sys::exists(target)) return {};
    TRY(sys::make_dirs(target), "the root is read-only: mount below /mnt, /srv, /opt, /home or /var");
    return {};
}

Result<void> mount_it(const Value& said) {
    const auto target = said.text_of("target"), source = said.text_of("source");
    auto options = read_options(said.texts_of("options"));
    auto type = said.text_of("type");
    if (options.bind || type == "none") {
        TRY(sys::make_dirs(source));
        TRY(make_target(target));
        if (sys::is_mount_point(target)) return {};
        return sys::bind_mount(source, target, options.recursive, options.attributes);
    }
    auto device = source;
    if (is_on_device(source)) {
        device = TRY(find_device(source));
        const auto there = TRY(file_system_of(device));
        if (type.empty() || type == "auto") {
            if (!there) return fail(Kind::invalid, "{} has no file system that is known here: say its type", device);
            type = there->type;
        }
    }
    TRY(make_target(target));
    if (sys::is_mount_point(target)) return {};
    options.of_type.insert(options.of_type.begin(), {"source", device.empty() ? type : device});
    if ((options.attributes & MOUNT_ATTR_RDONLY) != 0) options.of_type.push_back({"ro", ""});
    return sys::mount_fs(type, target, options.of_type, options.attributes);
}

bool is_in_use(const std::string& path) {
    const auto text = sys::read_file("/proc/swaps").value_or("");
    for (const auto line : split(text, '\n')) {
        const auto words = split_words(line);
        if (!words.empty() && words[0] == path) return true;
    }
    return false;
}

Result<void> swap_on(const std::string& path) {
    if (::swapon(path.c_str(), 0) < 0) return fail_errno(errno, "swap to {}", path);
    return {};
}

Result<void> swap_to_device(const std::string& name) {
    const auto device = TRY(find_device(name));
    return is_in_use(device) ? Result<void>() : swap_on(device);
}

Result<void> swap_to_file(const std::string& path, std::uint64_t bytes) {
    if (is_in_use(path)) return {};
    const auto there = sys::stat_path(path);
    if (!there || static_cast<std::uint64_t>(there->st_size) != bytes) {
        TRY(sys::remove_file(path));
        TRY(sys::make_dirs(path.substr(0, std::max<std::size_t>(path.rfind('/'), 1))));
        const auto file = TRY(sys::open_path(path, O_RDWR | O_CREAT | O_EXCL, 0600));
        if (const int error = ::posix_fallocate(file.raw(), 0, static_cast<off_t>(bytes)); error != 0) {
            std::ignore = sys::remove_file(path);
            return fail_errno(error, "take {} for it", format_bytes(bytes));
        }
        const auto page = TRY(swap_header(bytes, "", ""));
        if (::pwrite(file.raw(), page.data(), page.size(), 0) != static_cast<ssize_t>(page.size()))
            return fail_errno(errno, "write its header");
        TRY(sys::sync_fd(file));
    }
    return swap_on(path);
}

// The root has no room: a file of no place that is kept lies on the state partition all the same.
std::string swap_path(const std::string& path) {
    const bool kept = std::ranges::any_of(kKept, [&](auto prefix) { return path.starts_with(prefix); });
    return kept ? path : kStateDir + path;
}

}  // namespace

void plan_mounts(const Value& machine, Phase phase, const Root& root, Plan& plan) {
    const auto add = [&](std::string key, const Value& said) {
        const auto target = said.text_of("target");
        if (std::ranges::contains(said.texts_of("options"), "noauto")) return;
        if (phase == Phase::boot)
            plan.steps.push_back({std::move(key), std::format("mount {}", target), [=] { return mount_it(said); }});
        else if (!sys::is_mount_point(root.at(target)))
            plan.warnings.push_back(std::format("{}: {} is mounted at the next boot", key, target));
    };
    const auto& mounts = machine.at("mounts").items();
    for (std::size_t i = 0; i < mounts.size(); ++i) add(std::format("mounts[{}]", i), mounts[i]);
    const auto& systems = machine.at("filesystems").items();
    for (std::size_t i = 0; i < systems.size(); ++i) {
        if (!systems[i].has("path")) continue;
        auto said = Value::map();
        said.set("source", systems[i].text_of("device"));
        said.set("target", systems[i].text_of("path"));
        said.set("type", systems[i].text_of("type"));
        add(std::format("filesystems[{}].path", i), said);
    }
}

void plan_swap(const Value& machine, const Root& root, Plan& plan) {
    const auto& swap = machine.at("swap");
    if (const auto device = swap.text_of("device"); !device.empty())
        plan.steps.push_back(
            {"swap.device", std::format("swap to {}", device), [=] { return swap_to_device(device); }});
    const auto bytes = parse_bytes(swap.at("size").scalar_text());
    if (!bytes || *bytes == 0) return;
    const auto path = swap_path(swap.text_of("file", "/swap.img"));
    plan.steps.push_back(
        {"swap", std::format("swap to {}", path), [=] { return swap_to_file(root.at(path), *bytes); }});
}

}  // namespace diatom::configure
