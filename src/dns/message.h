// DNS messages: the question of a query, an answer of our own, whether an answer belongs to a query. Every byte comes
// from a container or a server that may be hostile: what is malformed is refused, nothing is read out of bounds.
// Thread side: any; fuzzed. Source: RFC 1035, RFC 6891 (EDNS), RFC 3596 (AAAA).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace diatom::dns {

inline constexpr std::size_t kMaxMessage = 65535;
inline constexpr std::size_t kMinLimit = 512;  // of an answer by UDP to a client without EDNS

struct Address {
    enum class Family : std::uint8_t { v4, v6 };
    Family family = Family::v4;
    std::array<std::uint8_t, 16> bytes{};  // network order; IPv4 has the first four
    std::size_t size() const noexcept { return family == Family::v4 ? 4 : 16; }
    friend auto operator<=>(const Address&, const Address&) = default;
};

enum class Type : std::uint16_t { a = 1, ptr = 12, aaaa = 28, opt = 41 };  // others are numbers without a name here
enum class Code : std::uint8_t {
    no_error = 0,
    format_error = 1,
    server_failure = 2,
    no_such_name = 3,
    not_implemented = 4,
    refused = 5
};

struct Query {
    std::uint16_t id = 0;
    bool recursion_desired = false, checking_disabled = false;
    std::string name;       // in lower case, without the last dot; empty for the root
    bool printable = true;  // false: a label has a dot or another byte that no name of ours has; `name` is empty
    Type type = Type::a;
    std::uint16_t of_class = 1;
    std::string question;                     // as on the wire
    std::optional<std::uint16_t> edns_limit;  // bytes of an answer by UDP that the client takes
};

// invalid: answer with Code::format_error; unsupported: with Code::not_implemented; corrupt: no answer at all, it is no
// query.
Result<Query> parse_query(std::string_view bytes);

struct Answer {
    Code code = Code::no_error;
    std::vector<Address> addresses;  // all of the query's type
    std::vector<std::string> names;  // of an address (PTR)
};
// Cut to `limit` bytes with the mark that tells the client to ask again by TCP.
std::string encode(const Query& query, const Answer& answer, std::size_t limit);
// An error for a query of which only the header can be read.
std::string encode_error(std::string_view query, Code code);

// Whether `bytes` is an answer to `query`, sent with the number `id`.
bool answers(std::string_view bytes, std::uint16_t id, const Query& query);
Code code_of(std::string_view answer);
std::uint16_t id_of(std::string_view message);
void set_id(std::string& message, std::uint16_t id);

// "4.3.2.1.in-addr.arpa" and the like under ip6.arpa.
std::optional<Address> parse_reverse(std::string_view name);

}  // namespace diatom::dns
