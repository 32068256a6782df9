#include "image/token_cache.h"

#include <algorithm>

namespace diatom::image {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kMargin = 5 * kSecond;  // a request that is sent now arrives while the token is good
constexpr std::int64_t kLongest = 24 * 3600;   // seconds
constexpr std::size_t kMost = 256;             // tokens

}  // namespace

std::string TokenCache::find(const Key& key) {
    const auto it = entries_.find(key);
    return it == entries_.end() || it->second.until_ns <= now_() ? std::string() : it->second.token;
}

void TokenCache::put(const Key& key, std::string token, std::int64_t lifetime_s) {
    const auto now = now_();
    std::erase_if(entries_, [&](const auto& entry) { return entry.second.until_ns <= now; });
    if (entries_.size() >= kMost) entries_.clear();
    const auto lifetime = std::clamp<std::int64_t>(lifetime_s, 0, kLongest) * kSecond;
    if (lifetime > kMargin) entries_[key] = {std::move(token), now + lifetime - kMargin};
}

void TokenCache::forget(const Key& key, const std::string& token) {
    const auto it = entries_.find(key);
    if (it != entries_.end() && it->second.token == token) entries_.erase(it);
}

}  // namespace diatom::image
