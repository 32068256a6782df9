// What the files of the encoding share. Thread side: any.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/spec.h"

namespace diatom::runtime {

// A member is written only if it says something.
inline void put(Json& object, const char* key, const std::string& value) {
    if (!value.empty()) object[key] = value;
}
inline void put(Json& object, const char* key, const std::vector<std::string>& value) {
    if (!value.empty()) object[key] = value;
}
inline void put(Json& object, const char* key, Json value) {
    if (!value.empty()) object[key] = std::move(value);
}
template <class T>
void put(Json& object, const char* key, const std::optional<T>& value) {
    if (value) object[key] = *value;
}

Json encode_resources(const Resources& resources);

}  // namespace diatom::runtime
