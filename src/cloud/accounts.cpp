// users, groups, user and system_info.default_user. Source: cloud-init 25.2, "Users and Groups", and
// cloudinit/distros/ug_util.py.
#include <algorithm>
#include <array>

#include "base/strings.h"
#include "cloud/draft.h"

namespace diatom::cloud {
namespace {

constexpr std::string_view kSudoForAll = "ALL=(ALL) NOPASSWD:ALL";

constexpr std::array kUserKeys{
    Known{"name"},
    Known{"create_groups", "groups that are named are made: name only those that shall be"},
    Known{"default"},
    Known{"doas", "there is no doas here: write the rule for sudo"},
    Known{"expiredate"},
    Known{"gecos"},
    Known{"groups"},
    Known{"hashed_passwd"},
    Known{"homedir"},
    Known{"inactive", "accounts are not closed for want of use: give expiredate, or remove the user"},
    Known{"lock_passwd"},
    Known{"no_create_home"},
    Known{"no_log_init", "no lastlog is kept here"},
    Known{"no_user_group"},
    Known{"passwd"},
    Known{"plain_text_passwd"},
    Known{"primary_group"},
    Known{"selinux_user", "the kernel has no SELinux"},
    Known{"shell"},
    Known{"snapuser", "there are no snaps here, nor their accounts: write the user with its keys"},
    Known{"ssh_authorized_keys"},
    Known{"ssh_import_id",
          "keys are not taken from an account elsewhere, whose owner could change them at any boot: write them into "
          "ssh_authorized_keys (https://github.com/NAME.keys has those of NAME)"},
    Known{"ssh_redirect_user", "nobody is told by a forced command to log in as another: leave the user out"},
    Known{"sudo"},
    Known{"system"},
    Known{"uid"},
};

constexpr std::string_view kImage = "what the distribution is, its image says";
constexpr std::array kSystemKeys{
    Known{"default_user"},
    Known{"cloud_dir", kImage},
    Known{"distro", kImage},
    Known{"network", kImage},
    Known{"ntp_client", kImage},
    Known{"package_mirrors", "there is no package manager here that mirrors could be named to"},
    Known{"paths", kImage},
    Known{"ssh_svcname", kImage},
    Known{"templates_dir", kImage},
};

void read_groups_of(const Section& user, Value& account) {
    const auto* groups = user.find("groups");
    if (groups == nullptr) return;
    if (!groups->is_map()) return user.texts_to("groups", account, "groups", ",");
    auto names = placed(Value::list(), *groups);
    for (const auto& [name, nothing] : groups->members()) names.add(placed(Value::of(name), nothing));
    account.set("groups", std::move(names));
}

// A rule, several, or false and null for none.
void read_sudo(const Section& user, Value& account) {
    const auto* sudo = user.find("sudo");
    if (sudo == nullptr) return;
    if (sudo->type() == Value::Type::boolean) {
        if (sudo->boolean()) return user.bad("sudo", "must be a rule such as ALL=(ALL) NOPASSWD:ALL");
        account.set("sudo", placed(Value::list(), *sudo));
        return;
    }
    if (!sudo->is_text() && !sudo->is_list())
        return user.notes().wrong(*sudo, user.at("sudo"), "a rule, or a list of rules");
    user.texts_to("sudo", account, "sudo");
}

void read_passwords_of(const Section& user, const std::string& name, Value& account, Draft& draft) {
    const auto* plain = user.find("plain_text_passwd");
    const auto* hashed = user.find("hashed_passwd");
    const auto* older = user.find("passwd");
    const auto* hash = hashed != nullptr ? hashed : plain == nullptr ? older : nullptr;
    if (hash != nullptr) {
        if (auto text = user.text(hashed != nullptr ? "hashed_passwd" : "passwd"))
            account.set("password_hash", placed(Value::of(std::move(*text)), *hash));
    } else if (plain != nullptr) {
        if (const auto text = user.text("plain_text_passwd")) {
            draft.part({"users"}, *plain).set(name, std::move(account));
            set_password(draft, name, *text, *plain, user.at("plain_text_passwd"));
            account = std::move(*draft.part({"users"}, *plain).find(name));
            account.erase("locked");
        }
    }
    // As in cloud-init, a password does not open an account by itself.
    const auto locked = user.flag("lock_passwd");
    const auto* from = user.find("lock_passwd");
    if (from == nullptr) from = hash != nullptr ? hash : plain;
    if (from != nullptr) account.set("locked", placed(Value::of(locked.value_or(true)), *from));
}

void add_user(const Section& user, std::string name, Draft& draft) {
    if (name == "default") name = draft.default_user;
    const auto& value = user.value();
    auto* known = draft.part({"users"}, value).find(name);
    auto account = known != nullptr ? std::move(*known) : placed(Value::map(), value);
    user.number_to("uid", account, "uid");
    user.text_to("primary_group", account, "group");
    if (user.flag("no_user_group").value_or(false) && !account.has("group"))
        account.set("group", placed(Value::of("users"), *user.find("no_user_group")));
    read_groups_of(user, account);
    user.text_to("gecos", account, "comment");
    user.text_to("homedir", account, "home");
    user.flag_to("no_create_home", account, "no_create_home");
    user.text_to("shell", account, "shell");
    user.flag_to("system", account, "system");
    user.text_to("expiredate", account, "expires");
    user.texts_to("ssh_authorized_keys", account, "ssh_authorized_keys");
    read_sudo(user, account);
    read_passwords_of(user, name, account, draft);
    draft.part({"users"}, value).set(name, std::move(account));
}

void add_plain_users(const Value& names, Draft& draft) {
    static const Value kNothing = Value::map();
    const auto text = names.scalar_text();
    for (const auto part : split(text, ',')) {
        const std::string name(trim(part));
        // Root is there, and so is whoever stands for "default" without more being said.
        if (name.empty() || (name == "default" && draft.default_user == "root")) continue;
        const auto nothing = placed(kNothing, names);
        add_user(Section(nothing, {}, draft.notes), name, draft);
    }
}

void read_user(const Value& item, const machine::Path& path, Draft& draft) {
    if (item.is_list()) {
        for (const auto& name : item.items()) add_plain_users(name, draft);
        return;
    }
    if (!item.is_map()) return add_plain_users(item, draft);
    const Section user(item, path, draft.notes);
    user.expect(kUserKeys);
    if (user.has("snapuser") && !user.has("name")) return;
    if (!user.has("name")) draft.notes.bad(item, path, "a name is missing: taken for the user \"default\"");
    add_user(user, user.text("name").value_or("default"), draft);
}

bool names_default_item(const Value& item) {
    if (item.is_list()) return std::ranges::any_of(item.items(), names_default_item);
    if (item.is_map()) return item.text_of("name") == "default";
    const auto text = item.scalar_text();
    return std::ranges::any_of(split(text, ','), [](auto part) { return trim(part) == "default"; });
}

void read_users(const Section& config, Draft& draft) {
    const auto* users = config.find("users");
    if (users == nullptr) return;
    if (users->is_list()) {
        config.each("users", [&](const Value& item, const machine::Path& path) { read_user(item, path, draft); });
    } else if (users->is_map()) {
        for (const auto& [name, value] : users->members()) {
            if (value.is_map()) {
                const Section user(value, config.at("users") / name, draft.notes);
                user.expect(kUserKeys);
                add_user(user, name, draft);
            } else if (truth(value).value_or(false)) {
                add_plain_users(placed(Value::of(name), value), draft);
            }
        }
    } else if (users->is_text()) {
        add_plain_users(*users, draft);
    } else {
        draft.notes.wrong(*users, config.at("users"), "names, a list of users, or a mapping of them");
    }
}

// Whether users that are named have "default" among them.
bool names_default(const Value& users) {
    if (users.is_map()) return users.has("default") && truth(users.at("default")).value_or(true);
    if (users.is_list()) return std::ranges::any_of(users.items(), names_default_item);
    return names_default_item(users);
}

// Who "default" is. They are there where no users are named, or "default" is one of them.
void read_system_info(const Section& config, Draft& draft) {
    const auto info = config.below("system_info");
    if (!info) return;
    info->expect(kSystemKeys);
    const auto user = info->below("default_user");
    if (!user) return;
    const auto name = user->text("name");
    if (!name || name->empty()) return info->bad("default_user", "must be a mapping with a name");
    const auto* users = config.find("users");
    if (users != nullptr && !config.has("user") && !names_default(*users)) return;
    draft.default_user = *name;
    read_user(user->value(), user->path(), draft);
}

// The older way to say who "default" is.
void read_default_user(const Section& config, Draft& draft) {
    const auto* user = config.find("user");
    if (user == nullptr) return;
    if (!user->is_map()) {
        draft.default_user = user->scalar_text();
        if (draft.default_user.empty()) return config.bad("user", "must be a name, or a mapping with one");
    } else {
        draft.default_user = user->text_of("name", draft.default_user);
    }
    read_user(user->is_map() ? *user : placed(Value::of("default"), *user), config.at("user"), draft);
    if (draft.default_user == "root") return;
    auto& account = draft.part({"users", draft.default_user}, *user);
    if (!account.has("sudo"))
        account.set("sudo", placed(Value::of(std::vector<std::string>{std::string(kSudoForAll)}), *user));
}

void add_group(const std::string& name, const Value* members, const Value& from, Draft& draft) {
    if (trim(name).empty()) return;
    auto& group = draft.part({"groups", trim(name)}, from);
    if (members == nullptr || members->is_null()) return;
    const auto whole = Value::map();
    auto holder = whole;
    holder.set("members", *members);
    Section(holder, machine::Path({"groups", name}), draft.notes).texts_to("members", group, "members", ",");
}

void read_groups(const Value& groups, const machine::Path& path, Draft& draft) {
    if (groups.is_map()) {
        for (const auto& [name, members] : groups.members()) add_group(name, &members, members, draft);
    } else if (groups.is_list()) {
        for (std::size_t i = 0; i < groups.items().size(); ++i) {
            const auto& item = groups.items()[i];
            if (item.is_list()) draft.notes.wrong(item, path.item(i), "a name, or a mapping of names to members");
            else read_groups(item, path.item(i), draft);
        }
    } else {
        const auto text = groups.scalar_text();
        for (const auto name : split(text, ',')) add_group(std::string(name), nullptr, groups, draft);
    }
}

}  // namespace

void translate_accounts(const Section& config, Draft& draft) {
    if (const auto* groups = config.find("groups")) read_groups(*groups, config.at("groups"), draft);
    read_system_info(config, draft);
    read_default_user(config, draft);
    read_users(config, draft);
}

}  // namespace diatom::cloud
