#include "configure/chosen_passwords.h"

#include <format>

#include "base/strings.h"
#include "configure/password.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"

namespace diatom::configure {
namespace {

constexpr const char* kChosen = "/var/lib/diatom/config/passwords.json";
constexpr const char* kSalt = "/var/lib/diatom/config/salt";
constexpr const char* kShadow = "/etc/shadow";
constexpr const char* kShell = "/bin/sh";
constexpr std::string_view kMust = "must", kDone = "done";
constexpr std::size_t kLeast = 8;
constexpr std::int64_t kDayNs = 86'400'000'000'000;

// A file of lines with fields between colons, in which those of one user are changed.
template <class Change>
std::string with_fields(std::string_view text, std::string_view user, const Change& change) {
    std::string made;
    for (const auto line : split(text, '\n')) {
        if (line.empty()) continue;
        const auto parts = split(line, ':');
        std::vector<std::string> fields(parts.begin(), parts.end());
        if (fields[0] == user) change(fields);
        made += join(fields, ":") + "\n";
    }
    return made;
}

std::string hash_in(std::string_view shadow, std::string_view user) {
    for (const auto line : split(shadow, '\n')) {
        const auto fields = split(line, ':');
        if (fields.size() >= 2 && fields[0] == user) return std::string(fields[1]);
    }
    return {};
}

// Only of hashes that we make ourselves; with others nobody is kept from choosing the old one.
bool is_the_old_one(std::string_view password, const std::string& hash) {
    const auto parts = split(hash, '$');
    return parts.size() == 4 && parts[1] == "6" && sha512_crypt(password, parts[2]) == hash;
}

}  // namespace

ChosenPasswords decode_chosen(const Json& document) {
    ChosenPasswords chosen;
    if (!document.is_object()) return chosen;
    for (const auto& [user, entry] : document.items()) {
        auto hash = json_string(entry, "hash"), instead = json_string(entry, "instead_of");
        if (!hash || !instead || !hash->starts_with('$') || hash->contains(':') || hash->contains('\n')) continue;
        chosen[user] = {std::move(*hash), std::move(*instead)};
    }
    return chosen;
}

Json encode_chosen(const ChosenPasswords& chosen) {
    Json document = Json::object();
    for (const auto& [user, entry] : chosen) document[user] = {{"hash", entry.hash}, {"instead_of", entry.instead_of}};
    return document;
}

ChosenPasswords read_chosen(const Root& root) {
    const auto text = sys::read_file(root.at(kChosen));
    const auto document = text ? parse_json(*text, kChosen) : Result<Json>(Json());
    return document ? decode_chosen(*document) : ChosenPasswords();
}

void take_chosen(Accounts& accounts, const ChosenPasswords& chosen) {
    for (auto& user : accounts.users) {
        const auto found = chosen.find(user.name);
        if (!user.password_expired || found == chosen.end() || found->second.instead_of != user.password_hash) continue;
        user.password_hash = found->second.hash;
        user.password_expired = false;
    }
}

std::string expired_lines(const Accounts& accounts) {
    std::string lines;
    for (const auto& user : accounts.users) {
        if (user.must_choose()) lines += std::format("{}:{}:{}\n", user.name, user.shell, kMust);
    }
    return lines;
}

Expired read_expired(const Root& root, std::string_view user) {
    const auto lines = sys::read_file(root.at(kExpired)).value_or("");
    for (const auto line : split(lines, '\n')) {
        const auto fields = split(line, ':');
        if (fields.size() == 3 && fields[0] == user)
            return {fields[1].empty() ? kShell : std::string(fields[1]), fields[2] == kMust};
    }
    return {.shell = kShell};
}

std::string user_of(const Root& root, unsigned uid, std::string_view name) {
    const auto accounts = sys::read_file(root.at("/etc/passwd")).value_or("");
    std::string found;
    for (const auto line : split(accounts, '\n')) {
        const auto fields = split(line, ':');
        if (fields.size() != 7 || parse_uint(fields[2]) != uid) continue;
        if (fields[0] == name) return std::string(name);
        if (found.empty()) found = fields[0];
    }
    return found;
}

std::string answer_chooser(const Root& root, std::string_view request, unsigned uid) {
    const auto done = [&]() -> Result<void> {
        const auto document = TRY(parse_json(request, "request"));
        const auto user = TRY(json_string(document, "user"));
        if (user_of(root, uid, user) != user) return fail(Kind::denied, "{} is another user", user);
        TRY(choose_password(root, user, TRY(json_string(document, "password"))));
        log::info("an expired password was changed", {{"user", user}});
        return {};
    }();
    return dump_json(done ? Json{{"ok", true}} : Json{{"ok", false}, {"error", done.error().what()}});
}

Result<std::string> hash_configured_password(const Root& root, std::string_view password) {
    // Says what no password is; its own salt is another each time.
    TRY(hash_password(password));
    const auto file = root.at(kSalt);
    auto kept = sys::read_file(file).value_or("");
    if (kept.empty()) {
        kept = TRY(hash_password("salt"));
        TRY(sys::make_dirs(file.substr(0, file.rfind('/')), 0700));
        TRY(sys::write_file_atomic(file, kept, 0600));
    }
    const auto mixed = sha512_crypt(std::string(password), kept.substr(kept.rfind('$') + 1));
    return sha512_crypt(password, mixed.substr(mixed.rfind('$') + 1));
}

Result<void> choose_password(const Root& root, const std::string& user, std::string_view password) {
    if (!read_expired(root, user).must_choose)
        return fail(Kind::denied, "the password of {} did not expire: it is changed in the configuration", user);
    if (password.size() < kLeast) return fail(Kind::invalid, "a password has {} characters at least", kLeast);
    const auto shadow = TRY(sys::read_file(root.at(kShadow)));
    const auto old = hash_in(shadow, user);
    if (is_the_old_one(password, old)) return fail(Kind::invalid, "it is the password that expired");
    const auto hash = TRY(hash_password(password));
    auto chosen = read_chosen(root);
    chosen[user] = {hash, old};
    TRY(sys::make_dirs(root.at("/var/lib/diatom/config"), 0700));
    TRY(sys::write_file_atomic(root.at(kChosen), dump_json(encode_chosen(chosen), 2) + "\n", 0600));
    const auto today = std::to_string(sys::wall_ns() / kDayNs);
    const auto changed = with_fields(shadow, user, [&](std::vector<std::string>& fields) {
        fields[1] = hash;
        if (fields.size() > 2) fields[2] = today;
    });
    TRY(sys::replace_file(root.at(kShadow), changed, 0640));
    const auto lines = TRY(sys::read_file(root.at(kExpired)));
    return sys::replace_file(root.at(kExpired), with_fields(lines, user, [](auto& fields) { fields.back() = kDone; }));
}

}  // namespace diatom::configure
