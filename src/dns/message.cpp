#include "dns/message.h"

#include <algorithm>

#include "base/strings.h"

namespace diatom::dns {
namespace {

constexpr std::size_t kHeader = 12, kTypeAndClass = 4;
constexpr std::size_t kMaxLabel = 63, kMaxName = 255;
constexpr std::uint32_t kTtl = 600;  // seconds, as Docker's
constexpr std::uint16_t kInternet = 1;
constexpr std::uint16_t kOwnLimit = 1232;  // what we take by UDP: fits any path (DNS flag day 2020)

// Bits of the header's second word.
constexpr std::uint16_t kResponse = 0x8000, kTruncated = 0x0200, kRecursionDesired = 0x0100, kRecursion = 0x0080,
                        kCheckingDisabled = 0x0010;

class Cursor {
public:
    explicit Cursor(std::string_view bytes) : bytes_(bytes) {}
    bool skip(std::size_t count) {
        if (bytes_.size() - at_ < count) return false;
        at_ += count;
        return true;
    }
    std::optional<std::uint8_t> u8() {
        if (at_ >= bytes_.size()) return std::nullopt;
        return static_cast<std::uint8_t>(bytes_[at_++]);
    }
    std::optional<std::uint16_t> u16() {
        if (bytes_.size() - at_ < 2) return std::nullopt;
        const auto high = static_cast<std::uint8_t>(bytes_[at_]), low = static_cast<std::uint8_t>(bytes_[at_ + 1]);
        at_ += 2;
        return static_cast<std::uint16_t>(high << 8U | low);
    }
    std::optional<std::string_view> take(std::size_t count) {
        if (bytes_.size() - at_ < count) return std::nullopt;
        at_ += count;
        return bytes_.substr(at_ - count, count);
    }
    std::size_t at() const noexcept { return at_; }

private:
    std::string_view bytes_;
    std::size_t at_ = 0;
};

std::uint16_t word(std::string_view bytes, std::size_t index) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
    return static_cast<std::uint16_t>(byte(2 * index) << 8U | byte(2 * index + 1));
}

void put16(std::string& out, unsigned value) {
    out += static_cast<char>(value >> 8U & 0xffU);
    out += static_cast<char>(value & 0xffU);
}
void put32(std::string& out, std::uint32_t value) {
    put16(out, value >> 16U);
    put16(out, value & 0xffffU);
}

// A name of ours as labels; nothing when a label is too long.
std::optional<std::string> wire_name(std::string_view name) {
    std::string wire;
    for (const auto label : split(name, '.')) {
        if (label.empty() || label.size() > kMaxLabel) return std::nullopt;
        wire += static_cast<char>(label.size());
        wire += label;
    }
    wire += '\0';
    if (wire.size() > kMaxName) return std::nullopt;
    return wire;
}

// The name of a question, which has nothing before it that it could point to.
bool read_name(Cursor& cursor, Query& query) {
    std::size_t length = 1;
    for (;;) {
        const auto size = cursor.u8();
        if (!size || *size > kMaxLabel) return false;
        if (*size == 0) break;
        const auto label = cursor.take(*size);
        length += *size + 1U;
        if (!label || length > kMaxName) return false;
        const auto odd = [](char c) { return c <= ' ' || c > '~' || c == '.'; };
        if (std::ranges::any_of(*label, odd)) query.printable = false;
        if (!query.name.empty()) query.name += '.';
        query.name += to_lower(*label);
    }
    if (!query.printable) query.name.clear();
    return true;
}

// Of any record: labels, then the root or a pointer.
bool skip_name(Cursor& cursor) {
    for (;;) {
        const auto size = cursor.u8();
        if (!size) return false;
        if (*size == 0) return true;
        if (*size >= 0xc0) return cursor.skip(1);
        if (*size > kMaxLabel || !cursor.skip(*size)) return false;
    }
}

// The client's EDNS record, if it sent one.
bool read_records(Cursor& cursor, unsigned count, Query& query) {
    for (; count > 0; --count) {
        if (!skip_name(cursor)) return false;
        const auto type = cursor.u16(), of_class = cursor.u16();
        if (!type || !of_class || !cursor.skip(4)) return false;
        const auto size = cursor.u16();
        if (!size || !cursor.skip(*size)) return false;
        if (static_cast<Type>(*type) == Type::opt) query.edns_limit = of_class;
    }
    return true;
}

std::string header(std::uint16_t id, unsigned flags, unsigned questions, unsigned answers, unsigned additional) {
    std::string out;
    put16(out, id);
    put16(out, flags);
    put16(out, questions);
    put16(out, answers);
    put16(out, 0);
    put16(out, additional);
    return out;
}

// Resource records for the question's own name, which stands right after the header.
std::vector<std::string> records_of(const Answer& answer, std::uint16_t type) {
    std::vector<std::string> records;
    const auto add = [&](std::string_view data) {
        std::string record;
        put16(record, 0xc000U | kHeader);
        put16(record, type);
        put16(record, kInternet);
        put32(record, kTtl);
        put16(record, static_cast<unsigned>(data.size()));
        records.push_back(record.append(data));
    };
    for (const auto& address : answer.addresses)
        add({reinterpret_cast<const char*>(address.bytes.data()), address.size()});
    for (const auto& name : answer.names) {
        if (const auto wire = wire_name(name)) add(*wire);
    }
    return records;
}

std::optional<Address> reverse4(const std::vector<std::string_view>& labels) {
    if (labels.size() != 4) return std::nullopt;
    Address address;
    for (std::size_t i = 0; i < 4; ++i) {
        const auto value = parse_uint(labels[3 - i]);
        if (!value || *value > 255) return std::nullopt;
        address.bytes[i] = static_cast<std::uint8_t>(*value);
    }
    return address;
}

std::optional<Address> reverse6(const std::vector<std::string_view>& labels) {
    if (labels.size() != 32) return std::nullopt;
    Address address{.family = Address::Family::v6};
    constexpr std::string_view kDigits = "0123456789abcdef";
    for (std::size_t i = 0; i < 32; ++i) {
        const auto label = labels[31 - i];
        const auto digit = label.size() == 1 ? kDigits.find(label.front()) : std::string_view::npos;
        if (digit == std::string_view::npos) return std::nullopt;
        address.bytes[i / 2] = static_cast<std::uint8_t>(address.bytes[i / 2] << 4U | digit);
    }
    return address;
}

}  // namespace

Result<Query> parse_query(std::string_view bytes) {
    if (bytes.size() < kHeader || (word(bytes, 1) & kResponse) != 0) return fail(Kind::corrupt, "not a DNS query");
    const unsigned flags = word(bytes, 1);
    if ((flags >> 11U & 15U) != 0) return fail(Kind::unsupported, "DNS operation {}", flags >> 11U & 15U);
    Query query{.id = word(bytes, 0),
                .recursion_desired = (flags & kRecursionDesired) != 0,
                .checking_disabled = (flags & kCheckingDisabled) != 0};
    if (word(bytes, 2) != 1) return fail(Kind::invalid, "a DNS query must have one question");
    Cursor cursor(bytes);
    (void)cursor.skip(kHeader);
    if (!read_name(cursor, query)) return fail(Kind::invalid, "malformed DNS name");
    const auto type = cursor.u16(), of_class = cursor.u16();
    if (!type || !of_class) return fail(Kind::invalid, "the DNS question is cut short");
    query.type = static_cast<Type>(*type);
    query.of_class = *of_class;
    query.question = bytes.substr(kHeader, cursor.at() - kHeader);
    const unsigned records = 0U + word(bytes, 3) + word(bytes, 4) + word(bytes, 5);
    if (!read_records(cursor, records, query)) return fail(Kind::invalid, "malformed DNS record");
    return query;
}

std::string encode(const Query& query, const Answer& answer, std::size_t limit) {
    unsigned flags = kResponse | kRecursion | static_cast<unsigned>(answer.code);
    if (query.recursion_desired) flags |= kRecursionDesired;
    if (query.checking_disabled) flags |= kCheckingDisabled;
    std::string edns;
    if (query.edns_limit) {
        edns += '\0';
        put16(edns, static_cast<unsigned>(Type::opt));
        put16(edns, kOwnLimit);
        put32(edns, 0);
        put16(edns, 0);
    }
    std::string body = query.question;
    unsigned count = 0;
    for (const auto& record : records_of(answer, static_cast<std::uint16_t>(query.type))) {
        if (kHeader + body.size() + record.size() + edns.size() > limit) {
            flags |= kTruncated;
            break;
        }
        body += record;
        ++count;
    }
    return header(query.id, flags, 1, count, edns.empty() ? 0 : 1) + body + edns;
}

std::string encode_error(std::string_view query, Code code) {
    if (query.size() < kHeader) return {};
    const unsigned kept = word(query, 1) & (0x7800U | kRecursionDesired);
    return header(word(query, 0), kResponse | kept | static_cast<unsigned>(code), 0, 0, 0);
}

bool answers(std::string_view bytes, std::uint16_t id, const Query& query) {
    if (bytes.size() < kHeader || word(bytes, 0) != id) return false;
    const unsigned flags = word(bytes, 1);
    if ((flags & kResponse) == 0 || (flags >> 11U & 15U) != 0) return false;
    // A server that could not read the question does not repeat it.
    if (word(bytes, 2) == 0) return code_of(bytes) != Code::no_error;
    if (word(bytes, 2) != 1) return false;
    const auto repeated = bytes.substr(kHeader, query.question.size());
    if (repeated.size() != query.question.size()) return false;
    // Resolvers in between may have changed the case of the name (RFC 4343), but not type and class.
    const auto name = repeated.size() - kTypeAndClass;
    return to_lower(repeated.substr(0, name)) == to_lower(query.question.substr(0, name)) &&
           repeated.substr(name) == query.question.substr(name);
}

Code code_of(std::string_view answer) { return static_cast<Code>(word(answer, 1) & 15U); }

std::uint16_t id_of(std::string_view message) { return word(message, 0); }

void set_id(std::string& message, std::uint16_t id) {
    message[0] = static_cast<char>(id >> 8U);
    message[1] = static_cast<char>(id & 0xffU);
}

std::optional<Address> parse_reverse(std::string_view name) {
    constexpr std::string_view kFour = ".in-addr.arpa", kSix = ".ip6.arpa";
    if (name.ends_with(kFour)) return reverse4(split(name.substr(0, name.size() - kFour.size()), '.'));
    if (name.ends_with(kSix)) return reverse6(split(name.substr(0, name.size() - kSix.size()), '.'));
    return std::nullopt;
}

}  // namespace diatom::dns
