// Keys and the SSH server. Source: cloud-init 25.2, "SSH" and "Set Passwords".
#include <algorithm>
#include <array>

#include "base/strings.h"
#include "cloud/draft.h"

namespace diatom::cloud {
namespace {

constexpr std::array<std::string_view, 3> kTypes{"rsa", "ecdsa", "ed25519"};

bool is_type(std::string_view name) { return std::ranges::contains(kTypes, name); }

// Where nobody stands for "default", they are root's.
void read_keys(const Section& config, Draft& draft) {
    auto keys = config.texts("ssh_authorized_keys");
    if (!keys) return;
    const auto& from = *config.find("ssh_authorized_keys");
    auto& holder = draft.default_user == "root" ? draft.document : draft.part({"users", draft.default_user}, from);
    auto* known = holder.find("ssh_authorized_keys");
    if (known == nullptr) {
        holder.set("ssh_authorized_keys", std::move(*keys));
        return;
    }
    for (auto& key : keys->items()) known->add(std::move(key));
}

// Where keys are given, no others are made: as in cloud-init.
void read_host_keys(const Section& config, Draft& draft) {
    const auto keys = config.below("ssh_keys");
    if (!keys) return;
    for (const auto& [name, value] : keys->value().members()) {
        const auto key = underscored(name);
        const auto halves = cut_last(key, '_');
        const auto known = halves && is_type(halves->first);
        const auto half = halves ? std::string(halves->second) : std::string();
        if (known && half == "certificate") {
            draft.notes.refuse(value, keys->at(name), "certificates of host keys are not served: give the key alone");
        } else if (!known || (half != "private" && half != "public")) {
            draft.notes.add(Warning::Kind::unknown_key, value, keys->at(name),
                            "must be rsa, ecdsa or ed25519 with _private or _public behind it");
        } else if (!value.is_text()) {
            draft.notes.wrong(value, keys->at(name), "the key as text");
        } else {
            const std::string type(halves->first);
            const auto text = half == "public" ? std::string(trim(value.text())) : value.text();
            draft.part({"ssh", "host_keys", type}, value).set(half, placed(Value::of(text), value));
            if (half == "private") draft.part({"ssh"}, value).set("host_key_types", placed(Value::list(), value));
        }
    }
}

void read_made_keys(const Section& config, Draft& draft) {
    if (const auto renewed = config.flag("ssh_deletekeys")) {
        const auto& from = *config.find("ssh_deletekeys");
        draft.part({"ssh"}, from).set("renew_host_keys", placed(Value::of(*renewed), from));
    }
    const auto said = config.texts("ssh_genkeytypes", ",");
    if (!said) return;
    auto types = placed(Value::list(), *config.find("ssh_genkeytypes"));
    for (const auto& type : said->items()) {
        if (is_type(type.text())) types.add(type);
        else config.bad("ssh_genkeytypes", "must be rsa, ecdsa or ed25519");
    }
    draft.part({"ssh"}, types).set("host_key_types", std::move(types));
}

void read_root(const Section& config, Draft& draft) {
    const auto disabled = config.flag("disable_root");
    if (!disabled) return;
    const auto& from = *config.find("disable_root");
    bool anyone_else = false;
    for (const auto& [name, user] : draft.document.at("users").members()) anyone_else |= name != "root";
    if (*disabled && !anyone_else) {
        return config.refuse("disable_root",
                             "root stays open: the keys at the top level are root's, and nobody else could log in "
                             "(write a user with keys of its own)");
    }
    draft.part({"ssh"}, from).set("root", placed(Value::of(!*disabled), from));
}

}  // namespace

void translate_ssh(const Section& config, Draft& draft) {
    read_keys(config, draft);
    read_made_keys(config, draft);
    read_host_keys(config, draft);
    read_root(config, draft);
    draft.takes_platform_keys = config.flag("allow_public_ssh_keys").value_or(true);
    const auto* passwords = config.find("ssh_pwauth");
    if (passwords == nullptr || to_lower(passwords->scalar_text()) == "unchanged") return;
    if (const auto allowed = config.flag("ssh_pwauth"))
        draft.part({"ssh"}, *passwords).set("passwords", placed(Value::of(*allowed), *passwords));
}

}  // namespace diatom::cloud
