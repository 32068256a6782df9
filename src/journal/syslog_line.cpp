// RFC 3164 is what programs wrote before it was written down: only "<PRI>" is sure. RFC 5424 has a version behind it.
#include <algorithm>
#include <array>

#include "base/strings.h"
#include "journal/lines.h"

namespace diatom::journal {
namespace {

constexpr unsigned kUserNotice = 13;  // of a message without a priority (RFC 3164, 4.3.3)
constexpr std::string_view kNil = "-", kByteOrderMark = "\xEF\xBB\xBF";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::optional<unsigned> take_priority(std::string_view& text) {
    const auto end = text.find('>');
    if (!text.starts_with('<') || end == std::string_view::npos || end < 2 || end > 4) return std::nullopt;
    const auto number = parse_uint(text.substr(1, end - 1));
    if (!number || *number > 191) return std::nullopt;
    text.remove_prefix(end + 1);
    return static_cast<unsigned>(*number);
}

std::string_view take_word(std::string_view& text) {
    const auto end = std::min(text.find(' '), text.size());
    const auto word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return word;
}

// "Nov 23 10:56:26 ", which has neither year nor zone: when it came is known better.
void skip_old_time(std::string_view& text) {
    constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    constexpr std::string_view kForm = "Mmm dd hh:mm:ss ";
    if (text.size() < kForm.size() || std::ranges::find(kMonths, text.substr(0, 3)) == kMonths.end()) return;
    for (std::size_t i = 3; i < kForm.size(); ++i) {
        const char c = text[i];
        const bool number = kForm[i] >= 'a';
        if (number ? !is_digit(c) && !(i == 4 && c == ' ') : c != kForm[i]) return;
    }
    text.remove_prefix(kForm.size());
}

void add(Record& record, std::string_view name, std::string_view value) {
    if (value.empty() || value == kNil || record.fields.size() == kMaxFields) return;
    record.fields.push_back({std::string(cut_text(name, kMaxFieldName)), std::string(cut_text(value))});
}

// "sshd[7]: text"
void parse_old(std::string_view text, Record& record) {
    skip_old_time(text);
    const auto end = text.find_first_of(": [");
    const bool tagged = end != std::string_view::npos && end > 0 && end <= 64 && text[end] != ' ';
    if (!tagged) {
        record.text = cut_text(text);
        return;
    }
    auto rest = text.substr(end);
    std::string_view pid;
    if (rest.starts_with('[')) {
        const auto close = rest.find(']');
        if (close == std::string_view::npos || !rest.substr(close).starts_with("]:")) {
            record.text = cut_text(text);
            return;
        }
        pid = rest.substr(1, close - 1);
        rest.remove_prefix(close + 1);
    }
    rest.remove_prefix(1);
    if (rest.starts_with(' ')) rest.remove_prefix(1);
    add(record, "identifier", text.substr(0, end));
    add(record, "said_pid", pid);
    record.text = cut_text(rest);
}

// One element of structured data: [id name="value" …]. False when it is malformed.
bool take_element(std::string_view& text, Record& record) {
    text.remove_prefix(1);
    const auto id_end = text.find_first_of(" ]");
    if (id_end == std::string_view::npos || id_end == 0) return false;
    const std::string id(text.substr(0, id_end));
    text.remove_prefix(id_end);
    while (text.starts_with(' ')) {
        text.remove_prefix(1);
        const auto equals = text.find("=\"");
        if (equals == std::string_view::npos || equals == 0) return false;
        const auto name = text.substr(0, equals);
        text.remove_prefix(equals + 2);
        std::string value;
        while (!text.empty() && text.front() != '"') {
            const bool escaped = text.size() > 1 && text[0] == '\\' && std::string_view("\"\\]").contains(text[1]);
            value += text[escaped ? 1 : 0];
            text.remove_prefix(escaped ? 2 : 1);
        }
        if (text.empty()) return false;
        text.remove_prefix(1);
        add(record, id + "." + std::string(name), value);
    }
    if (!text.starts_with(']')) return false;
    text.remove_prefix(1);
    return true;
}

// What follows "<PRI>1 ".
bool parse_new(std::string_view text, Record& record) {
    take_word(text);  // its time: when it came is as good, and cannot lie
    take_word(text);  // its host: this one
    add(record, "identifier", take_word(text));
    add(record, "said_pid", take_word(text));
    add(record, "message_id", take_word(text));
    if (text.starts_with(kNil)) {
        text.remove_prefix(1);
    } else {
        if (!text.starts_with('[')) return false;
        while (text.starts_with('[')) {
            if (!take_element(text, record)) return false;
        }
    }
    if (!text.empty() && !text.starts_with(' ')) return false;
    if (!text.empty()) text.remove_prefix(1);
    if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    record.text = cut_text(text);
    return true;
}

}  // namespace

Record parse_syslog(std::string_view datagram, const Clocks& clocks) {
    while (!datagram.empty() && (datagram.back() == '\0' || datagram.back() == '\n')) datagram.remove_suffix(1);
    Record record;
    record.time = clocks.wall;
    record.since_boot = clocks.boot;
    record.unit = kSyslogUnit;
    auto text = datagram;
    const auto priority = take_priority(text).value_or(kUserNotice);
    record.priority = static_cast<Priority>(priority & 7U);
    // Only the kernel is the kernel (RFC 5424, 6.2.1 leaves this to us).
    record.facility = priority < 8 ? Facility::user : static_cast<Facility>(priority >> 3U);
    if (text.starts_with("1 ") && text.size() < datagram.size()) {
        auto body = text.substr(2);
        if (parse_new(body, record)) return record;
        record.fields.clear();
    }
    parse_old(text, record);
    return record;
}

}  // namespace diatom::journal
