// The SSH server: what it is started with, and its host keys. The service `ssh` runs where there are options for it.
//
//   /var/lib/diatom/ssh/host_KIND    made here, and kept
//   /var/lib/diatom/ssh/given_KIND   what the configuration says, served in place of it
//   /var/lib/diatom/ssh/instance     whose keys the made ones are
#include <signal.h>

#include <algorithm>
#include <array>
#include <format>
#include <ranges>

#include "base/strings.h"
#include "configure/apply.h"
#include "configure/host_key.h"
#include "configure/instance_store.h"
#include "proc/spawn.h"
#include "sys/file.h"
#include "sys/process.h"

namespace diatom::configure {
namespace {

constexpr const char* kOptions = "/run/diatom/ssh/options";
constexpr const char* kPid = "/run/diatom/ssh/pid";           // of the server that listens
constexpr const char* kServices = "/run/diatom/system.sock";  // who starts it: not there when a boot is configured
constexpr const char* kKeys = "/var/lib/diatom/ssh/";
constexpr const char* kInstance = "/var/lib/diatom/ssh/instance";
constexpr std::array<std::string_view, 3> kKinds{"ed25519", "ecdsa", "rsa"};
constexpr int kPatienceMs = 120'000;

struct ServedKeys {
    std::vector<std::string_view> kinds;                          // of which keys are made
    std::vector<std::pair<std::string_view, std::string>> given;  // kind, bytes
};

bool may_anybody_log_in(const Value& machine) {
    if (!machine.texts_of("ssh_authorized_keys").empty()) return true;
    const bool passwords = machine.at("ssh").boolean_of("passwords");
    return std::ranges::any_of(machine.at("users").members(), [=](const Member& user) {
        const auto& said = user.second;
        const bool by_password = passwords && said.has("password_hash") && !said.boolean_of("locked");
        return by_password || !said.texts_of("ssh_authorized_keys").empty();
    });
}

std::string made_file(std::string_view kind) { return std::format("{}host_{}", kKeys, kind); }
std::string given_file(std::string_view kind) { return std::format("{}given_{}", kKeys, kind); }

// RSA keys take seconds to make on a small machine, and no client of the last ten years needs one.
std::vector<std::string_view> kinds_of(const Value& ssh) {
    if (!ssh.has("host_key_types")) return {kKinds[0], kKinds[1]};
    const auto said = ssh.texts_of("host_key_types");
    std::vector<std::string_view> kinds;
    std::ranges::copy_if(kKinds, std::back_inserter(kinds),
                         [&](auto kind) { return std::ranges::contains(said, kind); });
    return kinds;
}

// A key that is not taken costs itself alone: one is made in its place, so that the machine can be reached.
ServedKeys served_keys(const Value& ssh, Plan& plan) {
    ServedKeys keys{.kinds = kinds_of(ssh), .given = {}};
    for (const auto kind : kKinds) {
        const auto& said = ssh.at("host_keys").at(kind);
        if (!said.has("private")) continue;
        const auto refuse = [&](std::string_view why) {
            const auto path = std::format("ssh.host_keys.{}.private", kind);
            plan.warnings.push_back(said.at("private").error(path, why).error().what());
        };
        auto key = read_host_key(said.text_of("private"));
        if (!key) refuse(key.error().what());
        else if (key->kind != kind) refuse(std::format("it is of the kind {}", key->kind));
        else if (said.has("public") && !is_public_half(*key, said.text_of("public")))
            refuse("the public key beside it is another's");
        else {
            keys.given.emplace_back(kind, std::move(key->bytes));
            std::erase(keys.kinds, kind);
            continue;
        }
        if (!std::ranges::contains(keys.kinds, kind) && kind != "rsa") keys.kinds.push_back(kind);
    }
    if (keys.kinds.empty() && keys.given.empty()) keys.kinds.push_back(kKinds[0]);
    return keys;
}

std::vector<std::string> options_of(const Value& ssh, const ServedKeys& keys) {
    std::vector<std::string> options;
    for (const auto& [kind, bytes] : keys.given) options.insert(options.end(), {"-r", given_file(kind)});
    for (const auto kind : keys.kinds) options.insert(options.end(), {"-r", made_file(kind)});
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
    const auto file = root.at(made_file(kind));
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

Result<void> keep_key(const Root& root, std::string_view kind, const std::string& bytes) {
    const auto file = root.at(given_file(kind));
    if (sys::read_file(file).value_or("") == bytes) return {};
    TRY(sys::make_dirs(root.at(kKeys), 0700));
    return sys::write_file_atomic(file, bytes, 0600);
}

// A clone of a disk would answer for the machine that it was cloned from. Keys from before there was an instance stay.
Result<void> forget_keys_of_another(const Root& root, const std::string& instance) {
    const auto before = sys::read_file(root.at(kInstance));
    if (before && *before == instance) return {};
    TRY(sys::make_dirs(root.at(kKeys), 0700));
    for (const auto kind : kKinds) {
        if (before) TRY(sys::remove_file(root.at(made_file(kind))));
    }
    return sys::write_file_atomic(root.at(kInstance), instance, 0600);
}

// The server reads keys and options when it starts; its service starts it again, and sessions go on.
Result<void> end_listener(const Root& root) {
    const auto pid = parse_uint(trim(sys::read_file(root.at(kPid)).value_or("")));
    if (!pid) return {};
    const auto process = sys::open_pidfd(static_cast<pid_t>(*pid));
    const auto name = sys::read_file(std::format("/proc/{}/comm", *pid)).value_or("");
    if (!process || !name.starts_with("dropbear")) return {};
    return sys::send_signal(*process, SIGTERM);
}

bool is_news(const Root& root, const ServedKeys& keys, const std::string& options) {
    return sys::read_file(root.at(kOptions)).value_or("") != options ||
           std::ranges::any_of(keys.given, [&](const auto& key) {
               return sys::read_file(root.at(given_file(key.first))).value_or("") != key.second;
           });
}

void plan_keys(const Value& ssh, const Root& root, const ServedKeys& keys, Plan& plan) {
    const auto instance = InstanceStore(root).current();
    if (!instance.empty() && ssh.boolean_of("renew_host_keys", true))
        plan.steps.push_back({"ssh.renew_host_keys", "have host keys of this instance",
                              [=] { return forget_keys_of_another(root, instance); }});
    for (const auto& [kind, bytes] : keys.given)
        plan.steps.push_back({std::format("ssh.host_keys.{}", kind), "serve the host key that is given",
                              [=] { return keep_key(root, kind, bytes); }});
    for (const auto kind : keys.kinds)
        plan.steps.push_back(
            {"ssh", std::format("have a host key of kind {}", kind), [=] { return make_key(root, kind); }});
}

// The secret of a key that is no longer given does not stay.
Result<void> forget_given(const Root& root, const ServedKeys& keys) {
    for (const auto kind : kKinds) {
        if (!std::ranges::contains(keys.given | std::views::keys, kind))
            TRY(sys::remove_file(root.at(given_file(kind))));
    }
    return {};
}

Result<void> close_server(const Root& root) {
    TRY(sys::remove_file(root.at(kOptions)));
    TRY(forget_given(root, {}));
    return end_listener(root);
}

}  // namespace

void plan_ssh(const Value& machine, const Root& root, Plan& plan) {
    const auto& ssh = machine.at("ssh");
    if (!ssh.boolean_of("enabled", may_anybody_log_in(machine))) {
        plan.steps.push_back({"ssh.enabled", "leave the SSH server off", [=] { return close_server(root); }});
        return;
    }
    const auto keys = served_keys(ssh, plan);
    plan_keys(ssh, root, keys, plan);
    const auto options = join(options_of(ssh, keys), " ") + "\n";
    if (sys::exists(root.at(kServices)) && !sys::exists(root.at(kPid)))
        plan.warnings.push_back("ssh: the server starts at the next boot: its service is not there yet");
    const bool anew = is_news(root, keys, options);
    plan.steps.push_back({"ssh", "write what the SSH server is started with", [=]() -> Result<void> {
                              TRY(sys::make_dirs(root.at("/run/diatom/ssh"), 0755));
                              TRY(sys::replace_file(root.at(kOptions), options));
                              TRY(forget_given(root, keys));
                              return anew ? end_listener(root) : Result<void>();
                          }});
}

}  // namespace diatom::configure
