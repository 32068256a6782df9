// The bytes of a GUID partition table: fields, which are little-endian as the machines are that we run on, and the
// checksum of its header and entries. For who reads and changes tables (gpt.cpp), and for who makes wrong ones.
// Source: UEFI specification 2.10, section 5.3.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace diatom::init {

template <class T>
T get(const std::string& bytes, std::size_t at) {
    T value;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
}
template <class T>
void put(std::string& bytes, std::size_t at, T value) {
    std::memcpy(bytes.data() + at, &value, sizeof value);
}

inline std::uint32_t crc32(std::string_view bytes) {
    std::uint32_t crc = ~0U;
    for (const char c : bytes) {
        crc ^= static_cast<unsigned char>(c);
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ (0xedb88320U & (0U - (crc & 1U)));
    }
    return ~crc;
}

}  // namespace diatom::init
