#include "init/state.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/strings.h"
#include "init/gpt.h"
#include "sys/log.h"
#include "sys/mount.h"

namespace diatom::init {
namespace {

using Action = StateChoice::Action;

constexpr int kFormatMs = 300'000, kCheckMs = 3'600'000;
constexpr int kWaitStepMs = 50, kWaitSteps = 100;  // a named device may take five seconds to appear
// Exit code of e2fsck, a set of bits: from here on errors are left or the check did not run.
constexpr int kCheckFailed = 4;

Result<void> run_tool(const StateTools& tools, const std::vector<std::string>& argv, int timeout_ms, int fails_from) {
    const auto output = TRY(tools.run(argv, timeout_ms), "{}", argv[0]);
    const int code = output.status.shell_code();
    if (code < fails_from) return {};
    return fail(Kind::io, "{} ended with {}: {}", argv[0], code, trim(std::string_view(output.out).substr(0, 2048)));
}

// First what is safe to repair alone; then everything, since a machine without its state serves nobody.
Result<void> check(const StateTools& tools, const std::string& device) {
    const auto gentle = run_tool(tools, {"/usr/sbin/e2fsck", "-p", device}, kCheckMs, kCheckFailed);
    if (gentle) return {};
    log::error("the state file system needs repair", {{"device", device}, {"error", gentle.error().what()}});
    return run_tool(tools, {"/usr/sbin/e2fsck", "-f", "-y", device}, kCheckMs, kCheckFailed);
}

// A disk that is larger than the image written to it. Before the file system is made or mounted.
bool grow(const StateTools& tools, const BlockDevice& device) {
    if (!device.partition) return false;
    const auto grown = tools.grow_partition(device);
    if (!grown)
        log::warning("the state partition keeps its size", {{"device", device.path}, {"error", grown.error().what()}});
    else if (*grown) log::info("the state partition has grown to the end of its disk", {{"device", device.path}});
    return grown && *grown;
}

Result<void> prepare(const StateTools& tools, const StateChoice& choice, const std::string& label,
                     StateReport& report) {
    const auto& device = choice.device;
    if (device.read_only) return fail(Kind::denied, "{} is write-protected", device.path);
    const bool grew = grow(tools, device);
    if (choice.action == Action::format) {
        log::warning("formatting the state partition", {{"device", device.path}, {"why", choice.note}});
        TRY(run_tool(tools, format_command(device.path, label), kFormatMs, 1), "format {}", device.path);
        report.formatted = true;
    } else if (!device.ext4->clean) {
        TRY(check(tools, device.path), "check {}", device.path);
        report.checked = true;
    }
    TRY(tools.mount(device.path), "mount {}", device.path);
    report.grow = choice.action == Action::use && (grew || device.ext4->bytes + kGrowFrom < device.bytes);
    return {};
}

// With the device named on the command line it is worth waiting for.
StateChoice choose_patiently(const config::BootConfig& boot, const StateTools& tools) {
    const bool named = boot.state_named || !boot.autoformat.empty();
    for (int step = 0;; ++step) {
        auto choice = choose_state(tools.scan(), *boot.state_label, boot.autoformat);
        const bool found = choice.action != Action::memory || !choice.device.path.empty();
        if (found || !named || step == kWaitSteps) return choice;
        tools.sleep(kWaitStepMs);
    }
}

StateReport use_memory(const StateTools& tools, StateReport report) {
    report.kind = StateReport::Kind::memory;
    if (auto mounted = tools.mount_memory(); !mounted) log::error("mount memory for the state", mounted.error());
    if (report.problem.empty()) {
        log::warning("no state partition: this machine runs from memory and forgets everything when it ends");
    } else {
        log::error(
            "THE STATE PARTITION CANNOT BE USED: this machine runs from memory and forgets everything when it ends",
            {{"device", report.device}, {"why", report.problem}});
    }
    return report;
}

}  // namespace

std::vector<std::string> format_command(const std::string& device, const std::string& label) {
    return {"/usr/sbin/mke2fs",
            "-q",
            "-F",
            "-t",
            "ext4",
            "-b",
            "4096",
            "-m",
            "1",
            "-O",
            "verity,quota,project",
            "-E",
            "quotatype=prjquota,lazy_itable_init=1,lazy_journal_init=1,nodiscard",
            "-L",
            label,
            device};
}

std::vector<std::string> grow_command(const std::string& device) { return {"/usr/sbin/resize2fs", device}; }

StateReport open_state(const config::BootConfig& boot, const StateTools& tools) {
    StateReport report;
    if (!boot.state_label) return use_memory(tools, report);
    const auto choice = choose_patiently(boot, tools);
    report.device = choice.device.path;
    report.problem = choice.problem;
    if (choice.action == Action::memory) return use_memory(tools, std::move(report));
    if (!choice.note.empty()) log::info("state partition", {{"device", report.device}, {"note", choice.note}});
    if (auto prepared = prepare(tools, choice, *boot.state_label, report); !prepared) {
        report.problem = prepared.error().what();
        return use_memory(tools, std::move(report));
    }
    report.kind = StateReport::Kind::partition;
    return report;
}

StateTools StateTools::real() {
    StateTools tools;
    tools.scan = [] { return scan_block_devices(); };
    tools.run = [](std::vector<std::string> argv, int timeout_ms) {
        proc::SpawnRequest request;
        request.path = argv[0];
        request.argv = std::move(argv);
        request.env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C", "MKE2FS_SKIP_PROGRESS=1"};
        return proc::run(std::move(request), timeout_ms);
    };
    tools.grow_partition = [](const BlockDevice& partition) { return init::grow_partition(partition.name); };
    tools.mount = [](const std::string& device) {
        auto mounted =
            sys::mount_fs("ext4", kStateDir, {{"source", device}, {"errors", "remount-ro"}}, MOUNT_ATTR_NOATIME);
        // Users of containers pass through, and see nothing on their way.
        if (mounted && ::chmod(kStateDir, 0711) < 0)
            log::warning("the mode of the state directory stays", {{"path", kStateDir}});
        return mounted;
    };
    // Images' set-uid programs and device nodes lie here: the mount must allow them.
    tools.mount_memory = [] { return sys::mount_fs("tmpfs", kStateDir, {{"mode", "0711"}, {"size", "75%"}}); };
    tools.sleep = [](int milliseconds) { ::usleep(static_cast<useconds_t>(milliseconds) * 1000); };
    return tools;
}

}  // namespace diatom::init
