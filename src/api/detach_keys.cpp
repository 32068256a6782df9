#include "api/detach_keys.h"

#include "base/strings.h"

namespace diatom::api {

Result<DetachKeys> DetachKeys::parse(std::string_view text) {
    DetachKeys keys;
    if (text.empty()) return keys;
    keys.sequence_.clear();
    for (const auto key : split(text, ',')) {
        if (key.size() == 1) {
            keys.sequence_ += key;
            continue;
        }
        const char c = key.starts_with("ctrl-") && key.size() == 6 ? key[5] : '\0';
        if (c >= 'a' && c <= 'z') keys.sequence_ += static_cast<char>(c - 'a' + 1);
        else if (c == '@' || (c >= '[' && c <= '_')) keys.sequence_ += static_cast<char>(c - '@');
        else
            return fail(
                Kind::invalid,
                "invalid detach keys (unknown key '{}'): write letters or ctrl-a to ctrl-z, separated by commas", key);
    }
    return keys;
}

DetachKeys::Scanned DetachKeys::scan(std::string_view input) {
    Scanned scanned;
    for (const char c : input) {
        if (c != sequence_[matched_]) {
            scanned.pass.append(sequence_, 0, matched_);
            matched_ = 0;
        }
        if (c == sequence_[matched_]) {
            if (++matched_ == sequence_.size()) {
                matched_ = 0;
                scanned.detached = true;
                return scanned;
            }
        } else {
            scanned.pass += c;
        }
    }
    return scanned;
}

}  // namespace diatom::api
