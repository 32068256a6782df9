#include "configure/accounts.h"

#include <algorithm>
#include <chrono>
#include <format>

#include "base/strings.h"
#include "configure/chosen_passwords.h"
#include "configure/password.h"

namespace diatom::configure {
namespace {

constexpr unsigned kFirstUser = 1000, kLastUser = 59999;   // Debian policy 9.2.2
constexpr unsigned kFirstSystem = 200, kLastSystem = 999;  // below it the image has its own
constexpr const char* kNoPassword = "*";                   // shadow(5): no password is right
constexpr const char* kShell = "/bin/sh";
constexpr const char* kNoShell = "/bin/false";

std::vector<std::string_view> fields_of(std::string_view line, std::size_t count) {
    auto fields = split(line, ':');
    if (fields.size() != count) fields.clear();
    return fields;
}

// The id that a name has or gets.
class Ids {
public:
    Ids(std::map<std::string, unsigned>& known, std::vector<unsigned> taken)
        : known_(known), taken_(std::move(taken)) {}

    // `wanted` counts when it is given. Nothing when all are taken.
    std::optional<unsigned> of(const std::string& name, std::optional<std::int64_t> wanted, bool system) {
        if (wanted) return keep(name, static_cast<unsigned>(*wanted));
        if (const auto it = known_.find(name); it != known_.end()) return keep(name, it->second);
        const unsigned first = system ? kFirstSystem : kFirstUser, last = system ? kLastSystem : kLastUser;
        for (unsigned id = first; id <= last; ++id) {
            const bool remembered = std::ranges::any_of(known_, [=](const auto& entry) { return entry.second == id; });
            if (!remembered && !std::ranges::contains(taken_, id)) return keep(name, id);
        }
        return std::nullopt;
    }

private:
    unsigned keep(const std::string& name, unsigned id) {
        known_[name] = id;
        taken_.push_back(id);
        return id;
    }

    std::map<std::string, unsigned>& known_;
    std::vector<unsigned> taken_;
};

std::optional<std::int64_t> number_of(const Value& value, std::string_view key) {
    const auto& member = value.at(key);
    return member.type() == Value::Type::integer ? std::optional(member.integer()) : std::nullopt;
}

Group& group_of(Accounts& accounts, const std::string& name, Ids& ids, std::optional<std::int64_t> wanted,
                bool system) {
    const auto found = std::ranges::find(accounts.groups, name, &Group::name);
    if (found != accounts.groups.end()) {
        if (wanted) found->gid = static_cast<unsigned>(*wanted);
        return *found;
    }
    accounts.groups.push_back({name, ids.of(name, wanted, system).value_or(65534), {}});
    return accounts.groups.back();
}

void join_group(Group& group, const std::string& user) {
    if (!std::ranges::contains(group.members, user)) group.members.push_back(user);
}

std::string password_of(const Value& user) {
    auto hash = user.text_of("password_hash");
    if (hash.empty() || user.boolean_of("locked")) return "!" + (hash.empty() ? std::string("*") : hash);
    return hash;
}

// The format was checked: 2027-12-31.
std::optional<long> day_of(const std::string& date) {
    const auto parts = split(date, '-');
    if (parts.size() != 3) return std::nullopt;
    const auto number = [](std::string_view text) { return static_cast<unsigned>(parse_uint(text).value_or(0)); };
    const std::chrono::year_month_day day{std::chrono::year(static_cast<int>(number(parts[0]))),
                                          std::chrono::month(number(parts[1])), std::chrono::day(number(parts[2]))};
    if (!day.ok()) return std::nullopt;
    return std::chrono::sys_days(day).time_since_epoch().count();
}

void leave_groups(std::vector<Group>& groups, const std::string& user) {
    for (auto& group : groups) std::erase(group.members, user);
}

// A field of these files cannot hold what separates them.
std::string clean(std::string text) {
    std::ranges::replace_if(text, [](char c) { return c == ':' || c == '\n'; }, ' ');
    return text;
}

}  // namespace

bool User::must_choose() const noexcept {
    return password_expired && !password_hash.empty() && password_hash.front() != '!' && password_hash.front() != '*';
}

KnownIds KnownIds::decode(const Json& document) {
    KnownIds ids;
    const auto read = [](const Json& object, std::map<std::string, unsigned>& into) {
        if (!object.is_object()) return;
        for (const auto& [name, id] : object.items()) {
            if (id.is_number_unsigned() && id.get<std::uint64_t>() < 0xFFFFFFFEU) into[name] = id.get<unsigned>();
        }
    };
    read(json_member(document, "users"), ids.users);
    read(json_member(document, "groups"), ids.groups);
    return ids;
}

Json KnownIds::encode() const { return {{"users", users}, {"groups", groups}}; }

Accounts Accounts::read(std::string_view passwd, std::string_view group, std::string_view shadow) {
    std::map<std::string, std::string, std::less<>> hashes;
    for (const auto line : split(shadow, '\n')) {
        const auto fields = split(line, ':');
        if (fields.size() >= 2) hashes[std::string(fields[0])] = fields[1];
    }
    Accounts accounts;
    for (const auto line : split(passwd, '\n')) {
        const auto fields = fields_of(line, 7);
        if (fields.empty()) continue;
        const auto uid = parse_uint(fields[2]), gid = parse_uint(fields[3]);
        if (!uid || !gid) continue;
        const auto hash = hashes.find(fields[0]);
        User user{.name = std::string(fields[0]),
                  .comment = std::string(fields[4]),
                  .home = std::string(fields[5]),
                  .shell = std::string(fields[6]),
                  .password_hash = hash == hashes.end() ? kNoPassword : hash->second,
                  .uid = static_cast<unsigned>(*uid),
                  .gid = static_cast<unsigned>(*gid),
                  .keys = {}};
        accounts.users.push_back(std::move(user));
    }
    for (const auto line : split(group, '\n')) {
        const auto fields = fields_of(line, 4);
        const auto gid = fields.empty() ? std::nullopt : parse_uint(fields[2]);
        if (!gid) continue;
        Group read{std::string(fields[0]), static_cast<unsigned>(*gid), {}};
        for (const auto member : split(fields[3], ',')) {
            if (!member.empty()) read.members.emplace_back(member);
        }
        accounts.groups.push_back(std::move(read));
    }
    return accounts;
}

namespace {

// One configuration on top of what the image has.
class Adding {
public:
    Adding(Accounts& accounts, KnownIds& ids)
        : accounts_(accounts), users_(ids.users, uids(accounts)), groups_(ids.groups, gids(accounts)) {}

    void add_group(const std::string& name, const Value& said) {
        if (said.boolean_of("absent")) {
            std::erase_if(accounts_.groups, [&](const Group& group) { return group.name == name; });
            return;
        }
        auto& group = group_of(accounts_, name, groups_, number_of(said, "gid"), said.boolean_of("system"));
        for (const auto& member : said.texts_of("members")) join_group(group, member);
    }

    void add_user(const std::string& name, const Value& said) {
        if (said.boolean_of("absent")) return remove_user(name);
        auto found = std::ranges::find(accounts_.users, name, &User::name);
        if (found == accounts_.users.end()) {
            if (!create(name, said)) return;
            found = std::prev(accounts_.users.end());
        } else if (const auto uid = number_of(said, "uid"); uid && *uid != found->uid) {
            warn(std::format("users.{}.uid: {} stays {}, which the image says", name, name, found->uid));
        }
        describe(*found, said);
        for (const auto& other : said.texts_of("groups"))
            join_group(group_of(accounts_, other, groups_, std::nullopt, true), name);
    }

    void warn(std::string what) { warnings_.push_back(std::move(what)); }
    std::vector<std::string> take() { return std::move(warnings_); }

private:
    static std::vector<unsigned> uids(const Accounts& accounts) {
        std::vector<unsigned> taken;
        for (const auto& user : accounts.users) taken.push_back(user.uid);
        return taken;
    }
    static std::vector<unsigned> gids(const Accounts& accounts) {
        std::vector<unsigned> taken;
        for (const auto& group : accounts.groups) taken.push_back(group.gid);
        return taken;
    }

    // The group of their own goes with them.
    void remove_user(const std::string& name) {
        if (name == "root") return warn("users.root.absent: root stays: lock it instead (users.root.locked)");
        std::erase_if(accounts_.users, [&](const User& user) { return user.name == name; });
        leave_groups(accounts_.groups, name);
        std::erase_if(accounts_.groups,
                      [&](const Group& group) { return group.name == name && group.members.empty(); });
    }

    bool create(const std::string& name, const Value& said) {
        const bool system = said.boolean_of("system");
        const auto uid = users_.of(name, number_of(said, "uid"), system);
        if (!uid) {
            warn(std::format("users.{}: no user id is free", name));
            return false;
        }
        const auto group = said.text_of("group", name);
        const bool own = group == name && accounts_.find_group(group) == nullptr;
        // The number of the user, where nobody has it.
        const bool free = !std::ranges::contains(accounts_.groups, *uid, &Group::gid);
        const auto wanted = own && free ? std::optional<std::int64_t>(*uid) : std::nullopt;
        const unsigned gid = group_of(accounts_, group, groups_, wanted, system).gid;
        accounts_.users.push_back({.name = name,
                                   .comment = {},
                                   .home = "/home/" + name,
                                   .shell = kShell,
                                   .password_hash = {},
                                   .uid = *uid,
                                   .gid = gid,
                                   .create_home = !said.boolean_of("no_create_home", system),
                                   .keys = {}});
        return true;
    }

    void describe(User& user, const Value& said) {
        user.comment = said.text_of("comment", user.comment);
        user.home = said.text_of("home", user.home);
        user.shell = said.text_of("shell", user.shell);
        if (said.boolean_of("no_create_home")) user.create_home = false;
        if (said.has("password_hash") || said.has("locked") || user.password_hash.empty())
            user.password_hash = password_of(said);
        if (!is_known_hash(said.text_of("password_hash")))
            warn(
                std::format("users.{}.password_hash: no program of this machine knows this kind of hash, so nobody "
                            "logs in by it: make one with `openssl passwd -6`",
                            user.name));
        user.password_expired = said.boolean_of("password_expired");
        user.sudo = said.texts_of("sudo");
        user.expires = day_of(said.text_of("expires"));
        for (const auto& key : said.texts_of("ssh_authorized_keys")) user.keys.push_back(key);
    }

    Accounts& accounts_;
    Ids users_, groups_;
    std::vector<std::string> warnings_;
};

}  // namespace

std::vector<std::string> Accounts::add(const Value& machine, KnownIds& ids) {
    Adding adding(*this, ids);
    for (const auto& [name, said] : machine.at("groups").members()) adding.add_group(name, said);
    for (const auto& [name, said] : machine.at("users").members()) adding.add_user(name, said);
    const auto root = std::ranges::find(users, "root", &User::name);
    if (root != users.end()) {
        for (const auto& key : machine.texts_of("ssh_authorized_keys")) root->keys.push_back(key);
    }
    for (auto& user : users) {
        const auto same = std::ranges::count(users, user.uid, &User::uid);
        if (same > 1 && user.uid != 0)
            adding.warn(std::format("users.{}.uid: {} is also another user's", user.name, user.uid));
    }
    return adding.take();
}

void Accounts::close_expired(long today) {
    for (auto& user : users) {
        if (!user.expires || *user.expires > today) continue;
        user.keys.clear();
        user.password_hash = "!*";
        user.shell = kNoShell;
    }
}

const User* Accounts::find_user(std::string_view name) const noexcept {
    const auto found = std::ranges::find(users, name, &User::name);
    return found == users.end() ? nullptr : &*found;
}

const Group* Accounts::find_group(std::string_view name) const noexcept {
    const auto found = std::ranges::find(groups, name, &Group::name);
    return found == groups.end() ? nullptr : &*found;
}

std::string Accounts::passwd() const {
    std::string text;
    for (const auto& user : users) {
        text += std::format("{}:x:{}:{}:{}:{}:{}\n", user.name, user.uid, user.gid, clean(user.comment),
                            clean(user.home), user.must_choose() ? kChooserShell : clean(user.shell));
    }
    return text;
}

std::string Accounts::group() const {
    std::string text;
    for (const auto& group : groups)
        text += std::format("{}:x:{}:{}\n", group.name, group.gid, join(group.members, ","));
    return text;
}

std::string Accounts::sudoers() const {
    std::string text;
    for (const auto& user : users) {
        for (const auto& rule : user.sudo) {
            auto line = rule;
            std::ranges::replace(line, '\n', ' ');
            text += std::format("{} {}\n", user.name, line);
        }
    }
    return text;
}

std::string Accounts::shadow() const {
    std::string text;
    // 20000 days: a day on which the password was changed last that lies in the past, as in the image's own.
    for (const auto& user : users) {
        text += std::format("{}:{}:{}:0:99999:7::{}:\n", user.name, clean(user.password_hash),
                            user.password_expired ? 0 : 20000, user.expires ? std::to_string(*user.expires) : "");
    }
    return text;
}

}  // namespace diatom::configure
