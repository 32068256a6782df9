// The SSH server: what it is started with, and its host keys. The service `ssh` runs where there are options for it.
#include <algorithm>
#include <array>
#include <format>

#include "base/strings.h"
#include "configure/apply.h"
#include "proc/spawn.h"
#include "sys/file.h"

namespace diatom::configure {
namespace {

constexpr const char* kOptions = "/run/diatom/ssh/options";
constexpr const char* kKeys = "/var/lib/diatom/ssh/";
// RSA keys take seconds to make on a small machine, and no client of the last ten years needs one.
constexpr std::array<std::string_view, 2> kKinds{"ed25519", "ecdsa"};
constexpr int kPatienceMs = 120'000;

bool may_anybody_log_in(const Value& machine) {
    if (!machine.texts_of("ssh_authorized_keys").empty()) return true;
    const bool passwords = machine.at("ssh").boolean_of("passwords");
    return std::ranges::any_of(machine.at("users").members(), [=](const Member& user) {
        const auto& said = user.second;
        const bool by_password = passwords && said.has("password_hash") && !said.boolean_of("locked");
        return by_password || !said.texts_of("ssh_authorized_keys").empty();
    });
}

std::string key_file(std::string_view kind) { return std::format("{}host_{}", kKeys, kind); }

std::vector<std::string> options_of(const Value& ssh) {
    std::vector<std::string> options;
    for (const auto kind : kKinds) options.insert(options.end(), {"-r", key_file(kind)});
    const auto port = std::to_string(ssh.integer_of("port", 22));
    const auto addresses = ssh.texts_of("listen");
    if (addresses.empty()) options.insert(options.end(), {"-p", port});
    for (const auto& address : addresses) {
        options.insert(options.end(),
                       {"-p", std::format("{}:{}", address.contains(':') ? "[" + address + "]" : address, port)});
    }
    if (!ssh.boolean_of("passwords")) options.emplace_back("-s");
    else options.emplace_back("-g");  // never for root
    if (!ssh.boolean_of("root", true)) options.emplace_back("-w");
    return options;
}

Result<void> make_key(const Root& root, std::string_view kind) {
    const auto file = root.at(key_file(kind));
    if (sys::exists(file)) return {};
    TRY(sys::make_dirs(root.at(kKeys), 0700));
    proc::SpawnRequest request;
    request.path = "/usr/bin/dropbearkey";
    request.argv = {"dropbearkey", "-t", std::string(kind), "-f", file + ".new"};
    TRY(sys::remove_file(file + ".new"));
    const auto output = TRY(proc::run(std::move(request), kPatienceMs));
    if (output.status != sys::ExitStatus{})
        return fail(Kind::io, "dropbearkey ended with {}: {}", output.status.shell_code(), output.out);
    TRY(sys::sync_fd(TRY(sys::open_path(file + ".new", 0))));
    TRY(sys::rename_path(file + ".new", file));
    return sys::sync_dir(root.at(kKeys));
}

}  // namespace

void plan_ssh(const Value& machine, const Root& root, Plan& plan) {
    const auto& ssh = machine.at("ssh");
    if (!ssh.boolean_of("enabled", may_anybody_log_in(machine))) {
        plan.steps.push_back(
            {"ssh.enabled", "leave the SSH server off", [=] { return sys::remove_file(root.at(kOptions)); }});
        return;
    }
    for (const auto kind : kKinds)
        plan.steps.push_back(
            {"ssh", std::format("have a host key of kind {}", kind), [=] { return make_key(root, kind); }});
    plan.steps.push_back(
        {"ssh", "write what the SSH server is started with", [=, options = options_of(ssh)]() -> Result<void> {
             TRY(sys::make_dirs(root.at("/run/diatom/ssh"), 0755));
             return sys::replace_file(root.at(kOptions), join(options, " ") + "\n");
         }});
}

}  // namespace diatom::configure
