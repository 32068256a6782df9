// chpasswd and password. Source: cloud-init 25.2, "Set Passwords", and cloudinit/config/cc_set_passwords.py.
#include <algorithm>
#include <array>

#include "base/strings.h"
#include "cloud/draft.h"

namespace diatom::cloud {
namespace {

constexpr std::array kKeys{Known{"expire"}, Known{"users"}, Known{"list"}};
constexpr std::array kUserKeys{Known{"name"}, Known{"password"}, Known{"type"}};

constexpr std::string_view kRandom =
    "a random password would have to be printed where others read it: give a hash, or log in by key";

// What crypt(3) makes. cloud-init takes yescrypt's ($y$) in a list for a password in the clear; nobody means that.
bool is_hash(std::string_view text) {
    static constexpr std::array<std::string_view, 9> kMarks{"$1$", "$2a$", "$2b$", "$2y$", "$5$",
                                                            "$6$", "$7$",  "$y$",  "$gy$"};
    return !text.contains(':') && std::ranges::any_of(kMarks, [&](auto mark) { return text.starts_with(mark); });
}

class Passwords {
public:
    explicit Passwords(Draft& draft) : draft_(draft) {}

    void set(const std::string& user, std::string_view password, bool hashed, const Value& from,
             const machine::Path& path) {
        if (hashed) set_password_hash(draft_, user, std::string(password), from);
        else set_password(draft_, user, password, from, path);
        if (draft_.document.at("users").at(user).has("password_hash")) changed_.emplace_back(user, &from);
    }

    void read_user(const Value& item, const machine::Path& path) {
        const Section user(item, path, draft_.notes);
        if (!user.expect(kUserKeys)) return;
        const auto name = user.text("name");
        const auto type = user.text("type").value_or("hash");
        if (!name) return draft_.notes.bad(item, path, "a name is missing");
        if (type == "RANDOM") return draft_.notes.refuse(item, path / "type", kRandom);
        if (type != "hash" && type != "text") return user.bad("type", "must be hash or text");
        const auto password = user.text("password");
        if (!password) return draft_.notes.bad(item, path, "a password is missing");
        set(*name, *password, type == "hash", *user.find("password"), path / "password");
    }

    void read_line(std::string_view line, const Value& from, const machine::Path& path) {
        if (trim(line).empty()) return;
        const auto halves = cut(line, ':');
        if (!halves) return draft_.notes.bad(from, path, "must be USER:PASSWORD");
        const auto password = halves->second;
        if (password == "R" || password == "RANDOM") return draft_.notes.refuse(from, path, kRandom);
        set(std::string(trim(halves->first)), password, is_hash(password), from, path);
    }

    // Who got one has to change it at the next log in, unless that is not wanted.
    void expire(bool wanted) {
        if (!wanted) return;
        for (const auto& [user, from] : changed_)
            draft_.part({"users", user}, *from).set("password_expired", placed(Value::of(true), *from));
    }

private:
    Draft& draft_;
    std::vector<std::pair<std::string, const Value*>> changed_;
};

}  // namespace

void set_password_hash(Draft& draft, const std::string& user, std::string hash, const Value& from) {
    auto& account = draft.part({"users", user}, from);
    account.set("password_hash", placed(Value::of(std::move(hash)), from));
    // What sets a password after the users are made opens the account.
    account.set("locked", placed(Value::of(false), from));
}

void set_password(Draft& draft, const std::string& user, std::string_view password, const Value& from,
                  const machine::Path& path) {
    if (!draft.options.hash_password) {
        return draft.notes.refuse(from, path,
                                  "a password in the clear is not kept: give its hash (mkpasswd -m yescrypt)");
    }
    auto hash = draft.options.hash_password(password);
    if (!hash) return draft.notes.bad(from, path, hash.error().what());
    set_password_hash(draft, user, std::move(*hash), from);
}

void translate_passwords(const Section& config, Draft& draft) {
    Passwords passwords(draft);
    bool any = false;
    const auto chpasswd = config.below("chpasswd");
    if (chpasswd) {
        chpasswd->expect(kKeys);
        chpasswd->each("users", [&](const Value& item, const machine::Path& path) { passwords.read_user(item, path); });
        any = chpasswd->has("users") || chpasswd->has("list");
        const auto* list = chpasswd->find("list");
        if (list != nullptr && list->is_list()) {
            chpasswd->each("list", [&](const Value& item, const machine::Path& path) {
                if (item.is_text()) passwords.read_line(item.text(), item, path);
                else draft.notes.wrong(item, path, "USER:PASSWORD");
            });
        } else if (const auto lines = chpasswd->text("list")) {
            for (const auto line : split(*lines, '\n')) passwords.read_line(line, *list, chpasswd->at("list"));
        }
    }
    if (const auto password = config.text("password"); password && !any) {
        const auto& from = *config.find("password");
        passwords.set(draft.default_user, *password, is_hash(*password), from, config.at("password"));
    }
    passwords.expire(!chpasswd || chpasswd->flag("expire").value_or(true));
}

}  // namespace diatom::cloud
