// What is held against collection, and what is being collected. Thread side: any; locked.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "image/store.h"

namespace diatom::image {

class Holds {
public:
    // Waits while the digest is condemned: whoever holds something sees what became of it.
    void hold(const Digest& digest);
    void release(const Digest& digest);
    // Those of the candidates that nobody holds and nobody else condemned. From then on whoever wants to hold one
    // waits, so that what is looked up about it stays true; to be pardoned whether or not it was removed.
    std::vector<Digest> condemn(const std::vector<Digest>& candidates);
    void pardon(const std::vector<Digest>& condemned);

    static std::shared_ptr<Lease> lease(std::shared_ptr<Holds> holds);

private:
    std::mutex mutex_;
    std::condition_variable pardoned_;
    std::map<Digest, int> held_;
    std::set<Digest> condemned_;
};

}  // namespace diatom::image
