// The end of a boot: what is said, and what follows it.
#include <linux/magic.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <format>

#include "base/strings.h"
#include "config/version.h"
#include "configure/apply.h"
#include "proc/supervisor.h"
#include "sys/clock.h"

namespace diatom::configure {
namespace {

constexpr const char* kPower = "power";

void fill_in(std::string& text, std::string_view name, const std::string& value) {
    for (const auto& written :
         {std::format("${{{}}}", name), std::format("${}", name), std::format("{{{{{}}}}}", name)}) {
        for (auto at = text.find(written); at != std::string::npos; at = text.find(written, at + value.size()))
            text.replace(at, written.size(), value);
    }
}

// cloud-init's names, in either case and both of its notations.
std::string message_of(std::string text, const std::string& platform) {
    const auto now = ::time(nullptr);
    tm parts{};
    ::gmtime_r(&now, &parts);
    char date[64] = "";
    ::strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", &parts);
    const auto uptime = std::format("{:.2f}", static_cast<double>(sys::boot_ns()) / 1e9);
    for (const auto& [lower, upper, value] :
         {std::tuple<std::string_view, std::string_view, std::string>{"uptime", "UPTIME", uptime},
          {"timestamp", "TIMESTAMP", date},
          {"version", "VERSION", std::string(config::version())},
          {"datasource", "DATASOURCE", platform.empty() ? "none" : platform}}) {
        fill_in(text, lower, value);
        fill_in(text, upper, value);
    }
    return text;
}

Result<void> say(const std::string& text) {
    std::printf("%s\n", text.c_str());
    std::fflush(stdout);
    return {};
}

proc::Power power_of(std::string_view mode) {
    return mode == "off" ? proc::Power::off : mode == "halt" ? proc::Power::halt : proc::Power::reboot;
}

bool is_in_memory() {
    struct statfs info{};
    return ::statfs("/var/lib/diatom", &info) == 0 && info.f_type == TMPFS_MAGIC;
}

Result<void> end_machine(const Root& root, const Value& power, const std::vector<std::string>& environment) {
    if (const auto* condition = power.find("condition")) {
        if (auto ran = run_command(command_words(*condition), environment); !ran) return {};
    }
    if (const auto message = power.text_of("message"); !message.empty()) TRY(say(message));
    const auto delay = sys::parse_duration(power.text_of("delay", "0s")).value_or(0);
    if (delay > 0) ::sleep(static_cast<unsigned>(delay / 1'000'000'000));
    if (!root.is_machine()) return fail(Kind::unsupported, "this is not the machine");
    if (!was_done(root, kPower) || is_in_memory())
        return fail(Kind::unavailable, "nothing would remember that it was done, and the next boot would do it again");
    return proc::Supervisor().power(power_of(power.text_of("mode")));
}

}  // namespace

void plan_end(const Value& machine, const Root& root, const std::string& platform, Plan& plan) {
    if (const auto message = machine.text_of("final_message"); !message.empty())
        plan.steps.push_back(
            {"final_message", "say that it is done", [=] { return say(message_of(message, platform)); }});
    const auto& power = machine.at("power");
    if (!power.has("mode") || was_done(root, kPower)) return;
    // Before it: nothing is remembered by a machine that is off.
    plan.steps.push_back(remember_done(root, "power", kPower));
    plan.steps.push_back(
        {"power", std::format("{} the machine", power.text_of("mode") == "off" ? "power off" : power.text_of("mode")),
         [=, environment = command_environment(machine)] { return end_machine(root, power, environment); }});
}

}  // namespace diatom::configure
