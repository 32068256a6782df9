// The byte streams that the engine serves on, and the listeners that make them. Thread side: the engine's loop.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>

#include "api/http.h"
#include "api/server.h"

namespace diatom::api {

using Accepted = std::function<void(std::unique_ptr<Transport>)>;

// Accepts for as long as the returned handle lives.
Result<std::shared_ptr<void>> listen_unix(const boost::asio::any_io_executor& loop, const std::string& path,
                                          Accepted accepted);

// TLS 1.2 and later; the client's certificate must be signed by options.ca. A client that does not finish its handshake
// within thirty seconds is dropped.
Result<std::shared_ptr<void>> listen_tls(const boost::asio::any_io_executor& loop, const TlsListener& options,
                                         Accepted accepted);

}  // namespace diatom::api
