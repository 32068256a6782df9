// IPv4 and IPv6 addresses and subnets as values. Thread side: any.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace diatom::net {

class Address {
public:
    enum class Family : std::uint8_t { none, v4, v6 };
    Address() = default;
    static Result<Address> parse(std::string_view text);
    static Address v4(std::uint32_t host_order);
    static Address v6(const std::array<std::uint8_t, 16>& bytes);
    Family family() const noexcept { return family_; }
    bool empty() const noexcept { return family_ == Family::none; }
    const std::uint8_t* bytes() const noexcept { return bytes_.data(); }  // network order
    std::size_t size() const noexcept { return family_ == Family::v4 ? 4 : family_ == Family::v6 ? 16 : 0; }
    Address plus(std::uint64_t offset) const;
    std::string text() const;
    friend auto operator<=>(const Address&, const Address&) = default;

private:
    std::array<std::uint8_t, 16> bytes_{};
    Family family_ = Family::none;
};

bool is_link_local(const Address& address);  // 169.254.0.0/16, fe80::/10

struct Subnet {
    Address base;
    unsigned prefix = 0;
    static Result<Subnet> parse(std::string_view text);  // "172.17.0.0/16"; host bits must be zero
    bool contains(const Address& address) const;
    std::string text() const;
    friend bool operator==(const Subnet&, const Subnet&) = default;
};

}  // namespace diatom::net
