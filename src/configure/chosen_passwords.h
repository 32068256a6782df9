// Passwords that have expired, and what their users chose in place of them. A choice holds as long as the configuration
// says the password that it was made in place of: a new one there goes before it. Thread side: any; reads and writes
// files, blocks.
//
//   configured, expired ──> the user's shell is `choose-password`, which asks for another ──> kept, shadow(5) has it
//
//   /var/lib/diatom/config/passwords.json   the choices; root's alone
//   /run/diatom/passwords/expired           "core:/bin/ash:must" of every account whose password expired, and whether
//                                           it was not yet changed; the service `passwords` is there where this is
//   /run/diatom/passwords/socket            the service, for users, who may not write themselves
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/json.h"
#include "configure/accounts.h"
#include "configure/apply.h"

namespace diatom::configure {

// The login shell of who must choose: a name of our program.
inline constexpr const char* kChooserShell = "/usr/sbin/choose-password";
inline constexpr const char* kPasswordSocket = "/run/diatom/passwords/socket";
inline constexpr const char* kExpired = "/run/diatom/passwords/expired";

struct ChosenPassword {
    std::string hash, instead_of;
};
using ChosenPasswords = std::map<std::string, ChosenPassword>;  // by user

ChosenPasswords decode_chosen(const Json& document);  // what is malformed is left out
Json encode_chosen(const ChosenPasswords& chosen);
ChosenPasswords read_chosen(const Root& root);

// Who chose has what they chose, and needs not choose again.
void take_chosen(Accounts& accounts, const ChosenPasswords& chosen);
// The lines of kExpired; empty where nobody's password expired.
std::string expired_lines(const Accounts& accounts);

struct Expired {
    std::string shell;  // that the user has otherwise
    bool must_choose = false;
};
Expired read_expired(const Root& root, std::string_view user);

// The answer to a request of a user's shell, which the kernel says is of `uid`: {"user","password"} to {"ok","error"}.
std::string answer_chooser(const Root& root, std::string_view request, unsigned uid);
// The user of that id, the one of that name before others.
std::string user_of(const Root& root, unsigned uid, std::string_view name);

// What crypt(3) makes of a password that a configuration says in the clear: the same at each boot of this machine, so
// that it is known whether it is still the one that was changed, and another on any other machine. The salt is made of
// the password and of what is kept in /var/lib/diatom/config/salt. Errors as of hash_password().
Result<std::string> hash_configured_password(const Root& root, std::string_view password);

// For a user whose password expired. denied: it did not; invalid: too short, too long, or the old one.
Result<void> choose_password(const Root& root, const std::string& user, std::string_view password);

}  // namespace diatom::configure
