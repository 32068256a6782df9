// Output of containers on its way to a client: outputs that are there together go in one write, which is one chunk of
// HTTP and, on TLS, as few records as it needs. Source: Docker's API, "Stream format" of attach.
// Thread side: the engine's loop.
#pragma once

#include "api/http.h"
#include "engine/engine.h"

namespace diatom::api {

// framed: before each output [stream, 0, 0, 0, length as 4 bytes big endian].
enum class Framing { raw, framed };
// A terminal has one stream only.
constexpr Framing framing(bool tty) noexcept { return tty ? Framing::raw : Framing::framed; }

void append_output(std::string& text, const engine::Output& output, Framing framing);

// Both go on to the end of what they read. To a hijacked connection:
Task<void> send_output(Connection& connection, engine::Attachment& attachment, Framing framing);
// To a stream that has begun:
Task<void> send_log(Connection& connection, engine::LogReader& reader, Framing framing, bool timestamps);

}  // namespace diatom::api
