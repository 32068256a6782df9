// Answers what containers ask by their resolver sockets: from their view what is ours, by their servers what is not.
// Thread side: the loop's thread, on which nothing here blocks.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <vector>

#include "base/fd.h"
#include "dns/forwarder.h"
#include "dns/zone.h"

namespace diatom::dns {

// What one container is told; its owner changes it while the server runs.
struct Client {
    View view;
    std::function<std::vector<Upstream>()> upstreams;  // asked for each query that leaves
};

class Server {
public:
    explicit Server(boost::asio::any_io_executor loop, Patience patience = {});
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // Non-blocking sockets; closed when the handle dies.
    std::shared_ptr<void> serve(Fd udp, Fd tcp, std::shared_ptr<const Client> client);

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace diatom::dns
