#include "base/strings.h"
#include "ignition/translate_parts.h"

namespace diatom::ignition {
namespace {

// One entry may have several lines of authorized_keys(5).
Value public_keys(const Value& keys) {
    auto list = marked(Value::list(), keys);
    for (const auto& key : keys.items()) {
        for (const auto line : split(key.text(), '\n')) {
            const auto text = trim(line);
            if (!text.empty() && !text.starts_with('#')) list.add(marked(Value::of(text), key));
        }
    }
    return list;
}

Value absent(const Value& account) {
    auto gone = marked(Value::map(), account);
    gone.set("absent", Value::of(true));
    return gone;
}

bool is_absent(const Value& account) { return account.has("shouldExist") && !account.boolean_of("shouldExist"); }

Value translate_user(const Value& user, const Path& path, Report& report) {
    static constexpr std::array kNames{
        Rename{"uid", "uid"},       Rename{"primaryGroup", "group"},
        Rename{"groups", "groups"}, Rename{"gecos", "comment"},
        Rename{"homeDir", "home"},  Rename{"noCreateHome", "no_create_home"},
        Rename{"shell", "shell"},   Rename{"passwordHash", "password_hash"},
        Rename{"system", "system"},
    };
    auto made = marked(Value::map(), user);
    copy_keys(user, kNames, made);
    // Elsewhere the account of a service has no home where nothing is said.
    if (user.boolean_of("system") && !made.has("no_create_home")) made.set("no_create_home", Value::of(false));
    // The group that useradd(8) takes then.
    if (user.boolean_of("noUserGroup") && !made.has("group")) made.set("group", "users");
    if (user.has("sshAuthorizedKeys")) made.set("ssh_authorized_keys", public_keys(user.at("sshAuthorizedKeys")));
    if (user.has("noLogInit")) report.warn(user.at("noLogInit"), path / "noLogInit", "there are no such records here");
    return made;
}

Value translate_group(const Value& group, const Path& path, Report& report) {
    static constexpr std::array kNames{Rename{"gid", "gid"}, Rename{"system", "system"}};
    auto made = marked(Value::map(), group);
    copy_keys(group, kNames, made);
    if (!group.text_of("passwordHash").empty()) {
        report.problem(group.at("passwordHash"), path / "passwordHash",
                       "groups have no passwords here: name its members");
    }
    return made;
}

template <class Translate>
void translate_accounts(const Value& list, const Path& path, std::string_view key, Value& machine,
                        Translate translate) {
    if (list.items().empty()) return;
    auto accounts = marked(Value::map(), list);
    for (std::size_t i = 0; i < list.items().size(); ++i) {
        const auto& account = list.items()[i];
        accounts.set(account.text_of("name"), is_absent(account) ? absent(account) : translate(account, path.item(i)));
    }
    machine.set(key, std::move(accounts));
}

}  // namespace

void translate_passwd(const Value& passwd, Value& machine, Report& report) {
    const auto path = Path() / "passwd";
    translate_accounts(passwd.at("users"), path / "users", "users", machine,
                       [&](const Value& user, const Path& here) { return translate_user(user, here, report); });
    translate_accounts(passwd.at("groups"), path / "groups", "groups", machine,
                       [&](const Value& group, const Path& here) { return translate_group(group, here, report); });
}

}  // namespace diatom::ignition
