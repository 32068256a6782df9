// Asks other servers what is not ours. Thread side: the loop's thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "dns/message.h"

namespace diatom::dns {

// A non-blocking socket in the network that the server is to be asked from. (AF_INET or AF_INET6, SOCK_DGRAM or …)
using SocketSource = std::function<Result<Fd>(int family, int type)>;

struct Upstream {
    Address address;
    SocketSource socket;
    std::uint16_t port = 53;
    std::string
        from;  // whose network it is asked from; empty: the machine's. What is silent there may answer elsewhere
};

enum class Transport : std::uint8_t { udp, tcp };

struct Patience {
    std::chrono::milliseconds attempt{2000};  // clients give up after 5 s: a second server must still be heard
    std::chrono::milliseconds shunned{30'000};
};

class Forwarder {
public:
    using Clock = std::chrono::steady_clock;
    Forwarder(boost::asio::any_io_executor loop, Patience limits) : loop_(std::move(loop)), limits_(limits) {}

    // The query with a number of its own to one server after the other (the first three, as resolv.conf(5) has it)
    // until one answers other than "server failure" or "refused"; the last such answer when all do. A server that did
    // not answer is asked last for a while. unavailable: no answer.
    boost::asio::awaitable<Result<std::string>> ask(std::vector<Upstream> upstreams, Query query, std::string bytes,
                                                    Transport transport);

private:
    using Place = std::pair<std::string, Address>;  // Upstream's from and address
    std::vector<Upstream> in_order(std::vector<Upstream> upstreams) const;
    void shun(Place place);
    boost::asio::any_io_executor loop_;
    Patience limits_;
    std::map<Place, Clock::time_point> silent_;  // until when they are asked last
};

}  // namespace diatom::dns
