#include "net/address.h"

#include <arpa/inet.h>

#include <algorithm>

#include "base/strings.h"

namespace diatom::net {
namespace {

// Clears the bits after the first `prefix`.
Address masked(const Address& address, unsigned prefix) {
    std::array<std::uint8_t, 16> bytes{};
    std::copy_n(address.bytes(), address.size(), bytes.begin());
    for (std::size_t i = 0; i < address.size(); ++i) {
        const auto first_bit = static_cast<unsigned>(i * 8);
        if (first_bit >= prefix) {
            bytes[i] = 0;
        } else if (prefix - first_bit < 8) {
            bytes[i] &= static_cast<std::uint8_t>(0xffU << (8 - (prefix - first_bit)));
        }
    }
    if (address.family() == Address::Family::v6) return Address::v6(bytes);
    return Address::v4(std::uint32_t{bytes[0]} << 24U | std::uint32_t{bytes[1]} << 16U | std::uint32_t{bytes[2]} << 8U |
                       bytes[3]);
}

}  // namespace

Result<Address> Address::parse(std::string_view text) {
    const std::string copy(text);
    Address address;
    if (!copy.contains('\0')) {
        if (::inet_pton(AF_INET, copy.c_str(), address.bytes_.data()) == 1) {
            address.family_ = Family::v4;
            return address;
        }
        if (::inet_pton(AF_INET6, copy.c_str(), address.bytes_.data()) == 1) {
            address.family_ = Family::v6;
            return address;
        }
    }
    return fail(Kind::invalid, "\"{}\" is not an IP address: write 192.0.2.1 or 2001:db8::1", text);
}

Address Address::v4(std::uint32_t host_order) {
    Address address;
    address.family_ = Family::v4;
    for (unsigned i = 0; i < 4; ++i) address.bytes_[i] = static_cast<std::uint8_t>(host_order >> (24 - 8 * i));
    return address;
}

Address Address::v6(const std::array<std::uint8_t, 16>& bytes) {
    Address address;
    address.family_ = Family::v6;
    address.bytes_ = bytes;
    return address;
}

Address Address::plus(std::uint64_t offset) const {
    Address sum = *this;
    for (std::size_t i = size(); i-- > 0 && offset != 0;) {
        const std::uint64_t digit = sum.bytes_[i] + (offset & 0xffU);
        sum.bytes_[i] = static_cast<std::uint8_t>(digit);
        offset = (offset >> 8U) + (digit >> 8U);
    }
    return sum;
}

std::string Address::text() const {
    if (empty()) return {};
    char buffer[INET6_ADDRSTRLEN] = {};
    ::inet_ntop(family_ == Family::v4 ? AF_INET : AF_INET6, bytes_.data(), buffer, sizeof buffer);
    return buffer;
}

Result<Subnet> Subnet::parse(std::string_view text) {
    const auto halves = cut(text, '/');
    if (!halves) return fail(Kind::invalid, "\"{}\" is not a subnet: write it as 172.20.0.0/16", text);
    const Address base = TRY(Address::parse(halves->first), "subnet \"{}\"", text);
    const auto prefix = parse_uint(halves->second);
    if (!prefix || *prefix > base.size() * 8) {
        return fail(Kind::invalid, "subnet \"{}\": the prefix length must be between 0 and {}", text, base.size() * 8);
    }
    const Subnet subnet{.base = base, .prefix = static_cast<unsigned>(*prefix)};
    const Address network = masked(base, subnet.prefix);
    if (network != base) {
        return fail(Kind::invalid, "subnet \"{}\" has bits set after its prefix: did you mean {}/{}?", text,
                    network.text(), subnet.prefix);
    }
    return subnet;
}

bool Subnet::contains(const Address& address) const {
    return address.family() == base.family() && !address.empty() && masked(address, prefix) == base;
}

std::string Subnet::text() const { return std::format("{}/{}", base.text(), prefix); }

bool is_link_local(const Address& address) {
    const auto* bytes = address.bytes();
    if (address.family() == Address::Family::v4) return bytes[0] == 169 && bytes[1] == 254;
    return address.family() == Address::Family::v6 && bytes[0] == 0xfe && (bytes[1] & 0xc0U) == 0x80;
}

}  // namespace diatom::net
