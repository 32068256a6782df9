// Tells one receiver what the store gets, from where it was left. Nothing is held in memory: while the receiver is away
// the records wait in the store, as long as that keeps them. What a receiver's kernel has acknowledged counts as told,
// so that a connection that breaks may tell some things twice. Thread side: a process of its own; blocks.
//
//   waiting (1 s doubling to 60 s) ──connect──> telling ──store at its end──> listening for more
//        └────────────────────── any failure ──────┴──────────────────────────────┘
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/error.h"
#include "journal/connection.h"
#include "journal/print.h"
#include "journal/store_reader.h"

namespace diatom::journal {

struct ForwardOptions {
    Receiver receiver;
    std::string store;
    BootId boot;              // a receiver that is new is told of this boot
    std::string authorities;  // see Connection
    std::int64_t first_back_off_ns = 1'000'000'000, max_back_off_ns = 60'000'000'000;
    std::function<bool()> stopped = [] { return false; };  // asked at least once a second
};

class Forwarder {
public:
    explicit Forwarder(ForwardOptions options);
    void run();  // until stopped

    std::uint64_t position() const noexcept { return position_; }  // of the first record that was not told

private:
    Result<void> tell();
    Result<bool> send_batch(Connection& connection);
    Result<void> await_news(Connection& connection, FdRef watch);
    void rest(std::int64_t nanoseconds);
    void save(bool at_once);

    ForwardOptions options_;
    std::string file_;  // where the position is kept
    Host host_ = Host::read();
    StoreReader reader_;
    std::uint64_t position_ = 1, saved_ = 0;
    std::int64_t saved_at_ = 0, back_off_ns_ = 0;
    bool away_ = false;
};

}  // namespace diatom::journal
