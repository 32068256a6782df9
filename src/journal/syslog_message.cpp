#include "journal/syslog_message.h"

#include <format>

#include "sys/clock.h"

namespace diatom::journal {
namespace {

constexpr std::size_t kHostLength = 255, kNameLength = 48, kProcessLength = 128;  // RFC 5424, 6

// PRINTUSASCII, or the nil value.
std::string header_word(std::string_view text, std::size_t limit) {
    std::string word;
    for (const char c : text.substr(0, limit)) word += c > 32 && c < 127 ? c : '_';
    return word.empty() ? "-" : word;
}

std::string without_control(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 32 || byte == 127) out += std::format("#{:03o}", byte);
        else out += c;
    }
    return out;
}

std::string_view process_of(const Record& record) {
    const auto* pid = record.field("pid");
    if (pid == nullptr) pid = record.field("said_pid");
    return pid == nullptr ? std::string_view() : std::string_view(*pid);
}

}  // namespace

std::string format_syslog(const Record& record, const Host& host, std::size_t limit) {
    const auto priority = static_cast<unsigned>(record.facility) * 8 + static_cast<unsigned>(record.priority);
    const auto time = sys::format_rfc3339(record.time);
    const auto* identifier = record.field("identifier");
    const auto* message_id = record.field("message_id");
    constexpr std::uint64_t kSequences = 2'147'483'647;  // RFC 5424, 7.3.1
    auto message = std::format(
        "<{}>1 {}Z {} {} {} {} [timeQuality tzKnown=\"1\"][meta sequenceId=\"{}\" sysUpTime=\"{}\"] ", priority,
        time.substr(0, 26), header_word(host.name, kHostLength),
        header_word(identifier == nullptr ? record.unit : *identifier, kNameLength),
        header_word(process_of(record), kProcessLength), header_word(message_id == nullptr ? "" : *message_id, 32),
        record.number % kSequences + 1, record.since_boot / 10'000'000);
    message += without_control(record.text + (record.unit == "kernel" ? "" : fields_text(record)));
    return std::string(cut_text(message, limit));
}

}  // namespace diatom::journal
