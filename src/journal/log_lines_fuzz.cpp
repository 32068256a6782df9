// Lines of every log that is kept: none of them is lost, and each can be told in every form. The first byte of an input
// says whose line it is: k (the kernel's), c (a container's), s (syslog's) or any other (our own).
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/json.h"
#include "journal/frame.h"
#include "journal/lines.h"
#include "journal/print.h"
#include "journal/settings.h"
#include "journal/syslog_message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace diatom;
    using namespace diatom::journal;
    if (size == 0) return 0;
    const std::string_view line(reinterpret_cast<const char*>(data) + 1, size - 1);
    constexpr Clocks kClocks{.wall = 1'700'000'000'000'000'000, .boot = 1'000'000'000};
    Record record;
    if (data[0] == 'k') {
        auto kernel = parse_kernel_line(line, kClocks);
        if (!kernel) return 0;
        record = std::move(kernel->record);
    } else if (data[0] == 'c') {
        record = parse_container_line(line, "web", kClocks);
    } else if (data[0] == 's') {
        record = parse_syslog(line, kClocks);
    } else {
        record = parse_own_line(line, "init", kClocks);
    }
    if (format_short(record).empty()) std::abort();
    const auto json = parse_json(format_json(record), "record");
    if (!json || !json->is_object()) std::abort();
    if (!format_export(record, {"box", ""}).ends_with("\n\n")) std::abort();
    for (const char c : format_syslog(record, {"box", ""}, 8192)) {
        if (static_cast<unsigned char>(c) < 32) std::abort();
    }
    std::string bytes;
    append_frame(bytes, record, 0);
    const auto found = find_frame(bytes);
    if (found.state != Found::State::whole || !decode_frame(found.payload)) std::abort();
    if (const auto receiver = Receiver::parse(line)) {
        if (Receiver::parse(receiver->url()) != *receiver) std::abort();
    }
    return 0;
}
