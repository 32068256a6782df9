// Fields of what stands on disks: little-endian, as the machines are that we run on. Thread side: any.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace diatom::configure {

// 0 where the bytes end before it.
template <class T>
T get(std::string_view bytes, std::size_t offset) {
    T value{};
    if (bytes.size() >= offset + sizeof value) std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
}

// The bytes must be there.
template <class T>
void put(std::string& bytes, std::size_t offset, T value) {
    std::memcpy(bytes.data() + offset, &value, sizeof value);
}

}  // namespace diatom::configure
