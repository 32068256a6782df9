#include "image/holds.h"

namespace diatom::image {
namespace {

class HoldsLease final : public Lease {
public:
    explicit HoldsLease(std::shared_ptr<Holds> holds) : holds_(std::move(holds)) {}
    HoldsLease(const HoldsLease&) = delete;
    HoldsLease& operator=(const HoldsLease&) = delete;
    ~HoldsLease() override {
        for (const auto& digest : held_) holds_->release(digest);
    }
    void hold(const Digest& digest) override {
        holds_->hold(digest);
        const std::lock_guard guard(mutex_);
        held_.push_back(digest);
    }

private:
    std::shared_ptr<Holds> holds_;
    std::mutex mutex_;
    std::vector<Digest> held_;
};

}  // namespace

void Holds::hold(const Digest& digest) {
    std::unique_lock lock(mutex_);
    pardoned_.wait(lock, [&] { return !condemned_.contains(digest); });
    ++held_[digest];
}

void Holds::release(const Digest& digest) {
    const std::lock_guard guard(mutex_);
    const auto it = held_.find(digest);
    if (it != held_.end() && --it->second == 0) held_.erase(it);
}

std::vector<Digest> Holds::condemn(const std::vector<Digest>& candidates) {
    const std::lock_guard guard(mutex_);
    std::vector<Digest> condemned;
    for (const auto& digest : candidates) {
        if (!held_.contains(digest) && condemned_.insert(digest).second) condemned.push_back(digest);
    }
    return condemned;
}

void Holds::pardon(const std::vector<Digest>& condemned) {
    {
        const std::lock_guard guard(mutex_);
        for (const auto& digest : condemned) condemned_.erase(digest);
    }
    pardoned_.notify_all();
}

std::shared_ptr<Lease> Holds::lease(std::shared_ptr<Holds> holds) {
    return std::make_shared<HoldsLease>(std::move(holds));
}

}  // namespace diatom::image
