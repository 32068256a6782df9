#include "api/output_stream.h"

#include "sys/clock.h"

namespace diatom::api {

void append_output(std::string& text, const engine::Output& output, Framing framing) {
    if (framing == Framing::framed) {
        const auto size = static_cast<std::uint32_t>(output.bytes.size());
        const char header[8] = {static_cast<char>(output.stream),
                                0,
                                0,
                                0,
                                static_cast<char>(size >> 24),
                                static_cast<char>(size >> 16),
                                static_cast<char>(size >> 8),
                                static_cast<char>(size)};
        text.append(header, sizeof header);
    }
    text.append(output.bytes);
}

Task<void> send_output(Connection& connection, engine::Attachment& attachment, Framing framing) {
    std::string bytes;
    for (;;) {
        auto read = co_await attachment.read();
        const auto outputs = CO_TRY(std::move(read));
        if (outputs.empty()) co_return Result<void>{};
        bytes.clear();
        for (const auto& output : outputs) append_output(bytes, output, framing);
        auto sent = co_await connection.write_raw(bytes);
        CO_TRY(std::move(sent));
    }
}

Task<void> send_log(Connection& connection, engine::LogReader& reader, Framing framing, bool timestamps) {
    std::string bytes;
    for (;;) {
        auto read = co_await reader.next();
        auto lines = CO_TRY(std::move(read));
        if (lines.empty()) co_return Result<void>{};
        bytes.clear();
        for (auto& line : lines) {
            if (timestamps) line.bytes.insert(0, sys::format_rfc3339(line.time) + " ");
            append_output(bytes, line, framing);
        }
        auto sent = co_await connection.write_chunk(bytes);
        CO_TRY(std::move(sent));
    }
}

}  // namespace diatom::api
