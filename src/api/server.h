// An engine with its surfaces: opens the engine, listens, serves until told to end. Thread side: blocks the calling
// thread, which becomes the engine's loop.
//
// Signals: SIGTERM and SIGINT end the program and leave every container running (live restore); SIGPWR stops the
// containers first, for machine shutdown.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/model.h"

namespace diatom::api {

// PEM files. The client must present a certificate signed by `ca` (Docker's --tlsverify).
struct TlsListener {
    std::string address = "::";
    std::uint16_t port = 2376;
    std::string ca, certificate, key;
};

struct ServeOptions {
    engine::EngineOptions engine;
    std::vector<std::string> unix_sockets;  // made with mode 0660; the first is the canonical one
    std::optional<TlsListener> tls;
};

// Sends READY=1 to PID 1 and marks the boot timeline once it answers. A TLS listener that cannot start is logged and
// leaves the Unix sockets working.
Result<void> serve(const ServeOptions& options);

}  // namespace diatom::api
