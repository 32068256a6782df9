// Bearer tokens across pulls, until they expire. Source: distribution's token specification ("expires_in", 60 seconds
// when it is left out). Thread side: the registry client's executor.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace diatom::image {

class TokenCache {
public:
    // Who gave the token, for what, to whom.
    struct Key {
        std::string realm, service, scope;
        std::string identity;  // of the credentials: their digest, empty without
        friend auto operator<=>(const Key&, const Key&) = default;
    };
    explicit TokenCache(std::function<std::int64_t()> monotonic_ns) : now_(std::move(monotonic_ns)) {}

    // Empty when there is none that lasts for another few seconds.
    std::string find(const Key& key);
    void put(const Key& key, std::string token, std::int64_t lifetime_s);
    // The registry refused it.
    void forget(const Key& key, const std::string& token);

private:
    struct Entry {
        std::string token;
        std::int64_t until_ns = 0;
    };
    std::function<std::int64_t()> now_;
    std::map<Key, Entry> entries_;
};

}  // namespace diatom::image
