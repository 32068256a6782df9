// Users and groups: passwd, group and shadow (passwd(5), group(5), shadow(5)) made of the image's and the
// configuration's. They are made anew each time, so who is no longer configured is gone. An id once given to a name
// stays that name's for ever, for files of it may lie on the disk. Thread side: any; values.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "document/value.h"

namespace diatom::configure {

struct User {
    std::string name, comment, home, shell, password_hash;
    unsigned uid = 0, gid = 0;
    bool create_home = false;
    std::vector<std::string> keys;       // lines of authorized_keys
    bool password_expired = false;       // it must be changed at the next log in
    std::optional<long> expires = {};    // the day since 1970 from which on nobody logs in
    std::vector<std::string> sudo = {};  // rules of sudoers(5)

    // Whether a password opens the account that must be changed first.
    bool must_choose() const noexcept;
};

struct Group {
    std::string name;
    unsigned gid = 0;
    std::vector<std::string> members;
};

// Ids by name, as they are kept on the state partition.
struct KnownIds {
    std::map<std::string, unsigned> users, groups;
    static KnownIds decode(const Json& document);  // what is malformed is left out
    Json encode() const;
};

struct Accounts {
    std::vector<User> users;
    std::vector<Group> groups;

    // The files of the image. A line that is none is left out.
    static Accounts read(std::string_view passwd, std::string_view group, std::string_view shadow);
    // Adds what a configuration says, takes away what shall be absent, and remembers the ids that it gives out.
    // Warnings: an id that another has, a hash that no program here knows, root as absent.
    std::vector<std::string> add(const Value& machine, KnownIds& ids);
    // Closes the accounts that end on this day or did before: no password, no keys, no shell.
    void close_expired(long today);

    const User* find_user(std::string_view name) const noexcept;
    const Group* find_group(std::string_view name) const noexcept;

    std::string passwd() const;
    std::string group() const;
    std::string shadow() const;   // for root's eyes
    std::string sudoers() const;  // sudoers(5): "core ALL=(ALL) NOPASSWD:ALL"
};

}  // namespace diatom::configure
