// What the kernel is started with, from the next boot on. The command line stands in the image, which is one file; what
// is added to it is an addon beside it (efi_addon.h), for every version that is started from that partition.
//
//   /var/lib/diatom/config/kernel-arguments   what the addon says
//   /run/diatom/config/kernel-arguments       what it said when this boot began; not there: the same
#include "configure/kernel_arguments.h"

#include <algorithm>
#include <format>
#include <iterator>
#include <utility>

#include "base/strings.h"
#include "configure/efi_addon.h"
#include "configure/file_system.h"
#include "sys/file.h"
#include "sys/mount.h"

namespace diatom::configure {
namespace {

using Words = std::vector<std::string>;

constexpr const char* kKept = "/var/lib/diatom/config/kernel-arguments";
constexpr const char* kBooted = "/run/diatom/config/kernel-arguments";
constexpr const char* kPlace = "/run/diatom/boot";  // where the partition is mounted meanwhile
constexpr const char* kAddon = "/loader/addons/diatom.addon.efi";
constexpr const char* kVariables = "/sys/firmware/efi/efivars/";
constexpr const char* kPartition = "LoaderDevicePartUUID-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
constexpr const char* kSecureBoot = "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
constexpr std::size_t kAttributes = 4, kMaxLine = 2047;  // of a variable; the kernel's COMMAND_LINE_SIZE

// As the kernel splits them, but with their quotes: they go back to it.
Words words_of(std::string_view line) {
    Words words;
    std::string word;
    bool quoted = false;
    for (const char c : std::string(line) + " ") {
        if (c == '"') quoted = !quoted;
        if (quoted || (c != ' ' && c != '\n' && c != '\t')) {
            word += c;
        } else if (!word.empty()) {
            words.push_back(std::exchange(word, {}));
        }
    }
    return words;
}

Words words_of(const Value& list) {
    Words words;
    for (const auto& item : list.items()) std::ranges::copy(words_of(item.scalar_text()), std::back_inserter(words));
    return words;
}

Words words_in(const std::string& file) { return words_of(sys::read_file(file).value_or("")); }

// The last of each: they were appended.
Words without(Words words, const Words& others) {
    for (const auto& other : others) {
        const auto found = std::ranges::find(words.rbegin(), words.rend(), other);
        if (found != words.rend()) words.erase(std::next(found).base());
    }
    return words;
}

Result<std::string> variable(const Root& root, const char* name) {
    const auto bytes = TRY(sys::read_file(root.at(kVariables) + name));
    return bytes.substr(std::min(bytes.size(), kAttributes));
}

// systemd-boot says which partition it was started from.
Result<std::string> boot_partition(const Root& root) {
    const auto said = variable(root, kPartition);
    if (!said)
        return fail(Kind::unsupported,
                    "this machine was not started by systemd-boot from a disk: who starts its kernel gives it its "
                    "arguments");
    const auto secure = variable(root, kSecureBoot);
    if (secure && !secure->empty() && secure->front() == 1)
        return fail(Kind::unsupported,
                    "Secure Boot is on, so what is added to the command line must be signed: build an image with it");
    std::string uuid;
    for (const char c : *said) {
        if (c != '\0') uuid += c;
    }
    return uuid;
}

// The partition of the boot loader, while it is written to. In tests it is a directory.
class BootPartition {
public:
    static Result<BootPartition> open(const Root& root) {
        const auto uuid = TRY(boot_partition(root));
        const auto place = root.at(kPlace);
        if (!root.is_machine()) return BootPartition(place, false);
        const auto device = TRY(find_device("PARTUUID=" + uuid));
        TRY(sys::make_dirs(place, 0700));
        TRY(sys::mount_fs("vfat", place, {{"source", device}, {"umask", "0077"}}), "mount {}", device);
        return BootPartition(place, true);
    }
    BootPartition(BootPartition&& other) noexcept
        : place_(std::move(other.place_)), mounted_(std::exchange(other.mounted_, false)) {}
    BootPartition& operator=(BootPartition&&) = delete;
    ~BootPartition() {
        if (mounted_) std::ignore = sys::unmount(place_);
    }

    Result<void> write(const std::string& line) const {
        const auto file = place_ + kAddon;
        if (line.empty()) return sys::remove_file(file);
        TRY(sys::make_dirs(file.substr(0, file.rfind('/')), 0700));
        return sys::write_file_atomic(file, efi_addon(line), 0700);
    }

private:
    BootPartition(std::string place, bool mounted) : place_(std::move(place)), mounted_(mounted) {}
    std::string place_;
    bool mounted_;
};

// The partition first: what is kept says of a power cut in between that there is something to do.
Result<void> write(const Root& root, const std::string& line) {
    {
        const auto partition = TRY(BootPartition::open(root));
        TRY(partition.write(line));
    }
    if (!sys::exists(root.at(kBooted))) {
        TRY(sys::make_dirs(root.at("/run/diatom/config"), 0700));
        TRY(sys::write_file(root.at(kBooted), sys::read_file(root.at(kKept)).value_or("")));
    }
    TRY(sys::make_dirs(root.at("/var/lib/diatom/config"), 0700));
    return line.empty() ? sys::remove_file(root.at(kKept)) : sys::write_file_atomic(root.at(kKept), line, 0600);
}

}  // namespace

void plan_kernel_arguments(const Value& machine, const Root& root, Plan& plan) {
    const auto& said = machine.at("kernel_arguments");
    const auto kept = words_in(root.at(kKept));
    if (said.is_null() && kept.empty()) return;
    const auto line = words_in(root.at("/proc/cmdline"));
    const auto base = without(line, sys::exists(root.at(kBooted)) ? words_in(root.at(kBooted)) : kept);
    const auto removed = words_of(said.at("remove"));
    for (const auto& word : removed) {
        if (!std::ranges::contains(base, word)) continue;
        plan.refused.push_back(said.at("remove")
                                   .error("kernel_arguments.remove",
                                          std::format("{} stands in the image's own command line, of which nothing is "
                                                      "taken away: add what undoes it",
                                                      word))
                                   .error()
                                   .what());
    }
    Words wanted;
    for (auto& word : words_of(said.at("add"))) {
        if (!std::ranges::contains(removed, word) && !std::ranges::contains(base, word) &&
            !std::ranges::contains(wanted, word))
            wanted.push_back(std::move(word));
    }
    const bool booted_so =
        std::ranges::all_of(wanted, [&](const auto& word) { return std::ranges::contains(line, word); });
    if (wanted == kept && (booted_so || sys::exists(root.at(kBooted)))) return;
    const auto text = join(wanted, " ");
    if (join(base, " ").size() + text.size() + 1 > kMaxLine) {
        plan.refused.push_back(
            said.error("kernel_arguments", std::format("the kernel takes {} bytes of command line at most", kMaxLine))
                .error()
                .what());
        return;
    }
    plan.steps.push_back({"kernel_arguments",
                          wanted.empty() ? std::string("have the kernel started without them from the next boot on")
                                         : std::format("have the kernel started with {} from the next boot on", text),
                          [=] { return write(root, text); }});
}

}  // namespace diatom::configure
