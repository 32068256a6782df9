// Users, groups, SSH.
#include <array>

#include "machine/schema_parts.h"

namespace diatom::machine::schema {
namespace {

constexpr Type kNames{.form = Form::list, .item = &kUserText, .merge = Merge::append};
constexpr Type kRules{.form = Form::list, .item = &kText};
constexpr Type kDateText{.format = &kDate};

constexpr std::array kUserKeys{
    Key{"uid", &kCount, "user id; without one, the first free from 1000 on, or below it for system users",
        Applies::live},
    Key{"group", &kUserText, "primary group (one of the user's own name)", Applies::live},
    Key{"groups", &kNames, "other groups", Applies::live},
    Key{"comment", &kText, "the user's real name", Applies::live},
    Key{"home", &kPathText, "home directory (/home/NAME, on the state partition)", Applies::live},
    Key{"no_create_home", &kFlag, "leave it to be made by others (no)", Applies::live},
    Key{"shell", &kPathText, "login shell (/bin/sh)", Applies::live},
    Key{"password_hash", &kSecret, "what crypt(3) makes of the password; without one, nobody logs in by password",
        Applies::live},
    Key{"locked", &kFlag, "no log in by password even with a hash (no)", Applies::live},
    Key{"password_expired", &kFlag, "the password must be changed at the next log in (no)", Applies::live},
    Key{"expires", &kDateText, "the day from which on nobody logs in as this user", Applies::live},
    Key{"system", &kFlag, "an id below 1000, no home directory (no)", Applies::live},
    Key{"sudo", &kRules, "rules of sudoers(5), without the user's name: ALL=(ALL) NOPASSWD:ALL", Applies::live},
    Key{"ssh_authorized_keys", &kPublicKeys, "public keys that may log in", Applies::live},
    Key{"absent", &kFlag, "take the user away, if there is one (no)", Applies::live},
};
constexpr Type kUser{.form = Form::object, .keys = kUserKeys};

constexpr std::array kGroupKeys{
    Key{"gid", &kCount, "group id; without one, the first free from 1000 on", Applies::live},
    Key{"members", &kNames, "users in it", Applies::live},
    Key{"system", &kFlag, "an id below 1000 (no)", Applies::live},
    Key{"absent", &kFlag, "take the group away, if there is one (no)", Applies::live},
};
constexpr Type kGroup{.form = Form::object, .keys = kGroupKeys};

constexpr std::array kHostKeyKeys{
    Key{"private", &kSecret, "the private key as ssh-keygen writes it", Applies::live},
    Key{"public", &kPublicKey, "the public key that goes with it", Applies::live},
};
constexpr Type kHostKey{.form = Form::object, .keys = kHostKeyKeys};
constexpr std::array kHostKeysKeys{
    Key{"ed25519", &kHostKey, "Ed25519", Applies::live},
    Key{"ecdsa", &kHostKey, "ECDSA over P-256, P-384 or P-521", Applies::live},
    Key{"rsa", &kHostKey, "RSA", Applies::live},
};
constexpr Type kHostKeys{.form = Form::object, .keys = kHostKeysKeys};
constexpr std::array<Names, 3> kHostKeyKinds{"ed25519", "ecdsa", "rsa"};
constexpr Type kHostKeyKind{.choices = kHostKeyKinds};
constexpr Type kHostKeyTypes{.form = Form::list, .item = &kHostKeyKind};

constexpr std::array kSshKeys{
    Key{"enabled", &kFlag, "whether the server runs (where a key or a password may log in)", Applies::live},
    Key{"port", &kPort, "TCP port (22)", Applies::live},
    Key{"listen", &kAddresses, "addresses that it listens on (all)", Applies::live},
    Key{"passwords", &kFlag, "whether passwords are taken (no: keys only)", Applies::live},
    Key{"root", &kFlag, "whether root may log in, by key (yes)", Applies::live},
    Key{"host_keys", &kHostKeys, "keys of the machine, by type; none is made of a type that is given", Applies::live},
    Key{"host_key_types", &kHostKeyTypes, "types of which keys are made and kept (ed25519, ecdsa)", Applies::live},
    Key{"renew_host_keys", &kFlag, "make others when this is another instance, a clone of a disk for one (yes)"},
};

}  // namespace

constinit const Type kUsers{.form = Form::map, .item = &kUser, .format = &kUserName};
constinit const Type kGroups{.form = Form::map, .item = &kGroup, .format = &kUserName};
constinit const Type kSsh{.form = Form::object, .keys = kSshKeys};

}  // namespace diatom::machine::schema
