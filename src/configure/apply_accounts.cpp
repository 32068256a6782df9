// Users and groups: the files in /etc, home directories, keys.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <format>

#include "base/strings.h"
#include "configure/accounts.h"
#include "configure/apply.h"
#include "configure/chosen_passwords.h"
#include "configure/replacements.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/mount.h"

namespace diatom::configure {
namespace {

constexpr const char* kImageEtc = "/usr/share/diatom/etc/";
constexpr std::int64_t kDayNs = 86'400'000'000'000;
constexpr const char* kIds = "/var/lib/diatom/config/ids.json";

KnownIds known_ids(const Root& root) {
    const auto text = sys::read_file(root.at(kIds));
    const auto document = text ? parse_json(*text, kIds) : Result<Json>(Json());
    return document ? KnownIds::decode(*document) : KnownIds();
}

// Where there is something to choose there is who takes it.
Result<void> write_expired(const Root& root, const Accounts& accounts) {
    const auto lines = expired_lines(accounts);
    const auto file = root.at(kExpired);
    if (lines.empty()) return sys::remove_file(file);
    TRY(sys::make_dirs(file.substr(0, file.rfind('/'))));
    return sys::replace_file(file, lines);
}

// For consoles of images that have sudo: it takes rules of nobody but root, and none that others may change.
Result<void> write_sudoers(const Root& root, const Accounts& accounts) {
    const auto file = root.at(kSudoers);
    const auto rules = accounts.sudoers();
    if (sys::read_file(file).value_or("") == rules) return {};
    TRY(sys::make_dirs(file.substr(0, file.rfind('/'))));
    return sys::write_file(file, rules, 0440);
}

Result<void> write_accounts(const Root& root, Accounts accounts, const KnownIds& ids) {
    TRY(sys::make_dirs(root.at("/var/lib/diatom/config"), 0700));
    // Ids first: a name must not come up with another one after a power cut.
    TRY(sys::write_file_atomic(root.at(kIds), dump_json(ids.encode(), 2) + "\n", 0600));
    take_chosen(accounts, read_chosen(root));
    TRY(write_expired(root, accounts));
    TRY(write_sudoers(root, accounts));
    TRY(sys::replace_file(root.at("/etc/group"), accounts.group()));
    TRY(sys::replace_file(root.at("/etc/shadow"), accounts.shadow(), 0640));
    return sys::replace_file(root.at("/etc/passwd"), accounts.passwd());
}

// Below `home`, which its user may write to: nothing that they put there may lead out of it.
Result<void> write_keys(const Root& root, const User& user) {
    const auto home = TRY(sys::open_path(root.at(user.home), O_PATH | O_DIRECTORY));
    const auto directory = TRY(sys::make_dirs_in_root(home, ".ssh", 0700));
    if (::fchown(directory.raw(), user.uid, user.gid) < 0 && root.is_machine())
        return fail_errno(errno, "give {} its .ssh", user.name);
    const auto keys = join(user.keys, "\n") + "\n";
    // Under another name first: who logs in meanwhile finds the old keys or the new.
    ::unlinkat(directory.raw(), "authorized_keys.new", 0);
    const auto file =
        TRY(sys::open_at(directory, "authorized_keys.new", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    TRY(sys::write_all(file, keys));
    if (::fchown(file.raw(), user.uid, user.gid) < 0 && root.is_machine())
        return fail_errno(errno, "give {} its keys", user.name);
    if (::renameat(directory.raw(), "authorized_keys.new", directory.raw(), "authorized_keys") < 0)
        return fail_errno(errno, "write authorized_keys");
    return {};
}

// Who is no longer configured to log in does not: keys of an earlier configuration lie in the home, which is kept.
Result<void> remove_keys(const Root& root, const User& user) {
    if (!sys::exists(root.at(user.home) + "/.ssh/authorized_keys")) return {};
    const auto home = TRY(sys::open_path(root.at(user.home), O_PATH | O_DIRECTORY));
    const auto directory = TRY(sys::open_in_root(home, ".ssh", O_PATH | O_DIRECTORY));
    if (::unlinkat(directory.raw(), "authorized_keys", 0) < 0 && errno != ENOENT)
        return fail_errno(errno, "take away authorized_keys");
    return {};
}

Result<void> make_home(const Root& root, const User& user) {
    const auto path = root.at(user.home);
    if (!sys::exists(path)) {
        TRY(sys::make_dirs(path, 0750));
        if (::chown(path.c_str(), user.uid, user.gid) < 0 && root.is_machine())
            return fail_errno(errno, "give {} its home", user.name);
    }
    return {};
}

}  // namespace

Accounts image_accounts(const Root& root) {
    const auto read = [&](const char* name) {
        return sys::read_file(root.at(std::string(kImageEtc) + name)).value_or("");
    };
    return Accounts::read(read("passwd"), read("group"), read("shadow"));
}

void plan_accounts(const Value& machine, const Root& root, Plan& plan) {
    if (!machine.has("users") && !machine.has("groups") && !machine.has("ssh_authorized_keys")) return;
    auto accounts = image_accounts(root);
    auto ids = known_ids(root);
    for (auto& warning : accounts.add(machine, ids)) plan.warnings.push_back(std::move(warning));
    accounts.close_expired(static_cast<long>(sys::wall_ns() / kDayNs));
    // The services of a boot start when it is configured.
    const bool served = sys::exists(root.at(kPasswordSocket)) || !sys::exists(root.at("/run/diatom/system.sock"));
    for (const auto& user : accounts.users) {
        if (user.must_choose() && !served)
            plan.warnings.push_back(std::format(
                "users.{}.password_expired: another password is asked for from the next boot on; none is taken before",
                user.name));
        const auto key = user.name == "root" ? "ssh_authorized_keys" : "users." + user.name;
        if (user.create_home)
            plan.steps.push_back({key, std::format("make {}", user.home), [=] { return make_home(root, user); }});
        if (!user.keys.empty())
            plan.steps.push_back(
                {key, std::format("write the keys of {}", user.name), [=] { return write_keys(root, user); }});
        else if (user.create_home)
            plan.steps.push_back(
                {key, std::format("leave no keys of {}", user.name), [=] { return remove_keys(root, user); }});
    }
    plan.steps.push_back({"users", "write users and groups", [=, accounts = std::move(accounts), ids = std::move(ids)] {
                              return write_accounts(root, accounts, ids);
                          }});
}

}  // namespace diatom::configure
