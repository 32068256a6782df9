#include "init/fd_store.h"

#include <algorithm>

namespace diatom::init {
namespace {

bool is_name(std::string_view name) {
    return !name.empty() && name.size() <= FdStore::kMaxName &&
           std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f && c != ':'; });
}

}  // namespace

Result<void> FdStore::park(const std::string& name, Fd fd) {
    if (!is_name(name))
        return fail(Kind::invalid, "park a descriptor: the name must be 1 to {} printable characters", kMaxName);
    if (!fd) return fail(Kind::invalid, "park {}: no descriptor came with it", name);
    const auto found = entries_.find(name);
    if (found == entries_.end() && entries_.size() >= capacity_) {
        return fail(Kind::exhausted, "park {}: the store is full ({} descriptors)", name, capacity_);
    }
    entries_[name] = std::move(fd);
    return {};
}

std::size_t FdStore::forget(std::string_view prefix) {
    return std::erase_if(entries_, [&](const auto& entry) { return entry.first.starts_with(prefix); });
}

std::vector<FdStore::Entry> FdStore::list(std::string_view prefix, const std::string& after, std::size_t limit) const {
    std::vector<Entry> found;
    for (auto it = entries_.lower_bound(std::string(prefix)); it != entries_.end() && found.size() < limit; ++it) {
        if (!it->first.starts_with(prefix)) break;
        if (after.empty() || it->first > after) found.push_back({it->first, it->second});
    }
    return found;
}

}  // namespace diatom::init
