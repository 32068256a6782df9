// The network: written down for the system service `network`, which makes it true (src/uplink).
#include <format>

#include "configure/network.h"
#include "configure/network_service.h"
#include "document/json_reader.h"
#include "machine/network_files.h"
#include "machine/store.h"
#include "machine/unconfirmed.h"
#include "sys/file.h"

namespace diatom::configure {
namespace {

constexpr mode_t kPrivate = 0600;  // routes and rules are no secrets, commands may have some

machine::NetworkFiles files_of(const Root& root) { return {root.at(machine::NetworkFiles().run)}; }

machine::Store store_of(const Root& root) { return machine::Store(root.at(machine::kConfigDir)); }

// Empty: nothing is said of the network, and dhcpcd asks on every wired link.
std::string text_of(const Value& machine) {
    if (machine.at("network").members().empty()) return {};
    auto document = Value::map();
    for (const auto* key : {"network", "environment"}) {
        if (machine.has(key)) document.set(key, machine.at(key));
    }
    return to_json(document, JsonStyle::indented) + "\n";
}

Result<std::string> written(const std::string& file) {
    return sys::exists(file) ? sys::read_file(file) : Result<std::string>("");
}

}  // namespace

Result<bool> write_network(const Value& machine, const Root& root) {
    const auto files = files_of(root);
    const auto text = text_of(machine);
    auto own = Value::map();
    // A mistake in the file is said where it is read; then it says nothing.
    if (const auto document = store_of(root).own(); document && document->has("network"))
        own.set("network", document->at("network"));
    TRY(sys::make_dirs(files.run, 0755));
    TRY(sys::replace_file(files.own(), to_json(own, JsonStyle::compact) + "\n", kPrivate));
    if (TRY(written(files.config())) == text) return false;
    if (text.empty()) TRY(sys::remove_file(files.config()));
    else TRY(sys::replace_file(files.config(), text, kPrivate));
    return true;
}

std::vector<std::string> take_back_network(const Root& root) {
    const auto taken = machine::Unconfirmed(root.at(machine::kConfigDir)).take_back();
    if (!taken) return {std::format("a network that nobody confirmed stays: {}", taken.error().what())};
    if (!*taken) return {};
    return {"the machine ended before its network was confirmed: machine.yml has the one of before"};
}

void plan_network(const Value& machine, Phase phase, const Root& root, Plan& plan) {
    const bool said = !machine.at("network").members().empty();
    if (!said && phase == Phase::live && !sys::exists(files_of(root).config())) return;
    plan.steps.push_back(
        {"network", said ? "set up the network" : "ask DHCP on every wired link", [=]() -> Result<void> {
             const bool changed = TRY(write_network(machine, root));
             if (phase != Phase::live || !root.is_machine() || (!changed && !said)) return {};
             const auto problems = TRY(reload_network());
             if (problems.empty()) return {};
             std::string text;
             for (const auto& problem : problems) text += (text.empty() ? "" : "; ") + problem;
             return fail(Kind::unavailable, "{}", text);
         }});
}

}  // namespace diatom::configure
