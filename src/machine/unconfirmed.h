// A change of the network that nobody has confirmed yet: what the machine's own file said of it before. It goes back to
// that when the time is over, and at the next boot, whatever ended the machine: who locked himself out gets in again.
// Thread side: any; one at a time.
//
//   begin() ──> confirm(): what was changed stays
//          └──> take_back(): machine.yml has the network of before
#pragma once

#include <string>

#include "machine/store.h"

namespace diatom::machine {

class Unconfirmed {
public:
    explicit Unconfirmed(std::string directory = kConfigDir) : directory_(std::move(directory)) {}

    bool exists() const;
    // `network`: what the file said under this key when it was last confirmed, or null. One that exists stays, for it
    // is older. Durable.
    Result<void> begin(const Value& network) const;
    Result<void> confirm() const;
    // True when there was something to take back.
    Result<bool> take_back() const;

private:
    std::string file() const { return directory_ + "/unconfirmed.yml"; }
    std::string directory_;
};

}  // namespace diatom::machine
