// One list of fields per record serves both directions: `fields(archive, value)` is called with a Writer, which makes a
// JSON object, or with a Reader, which fills the value and keeps the first error. Thread side: any.
#pragma once

#include <array>
#include <concepts>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "base/json.h"

namespace diatom::engine {

// Specialised for each enum: its values' names, in order from 0.
template <class E>
struct EnumNames;

template <class T>
concept Enum = std::is_enum_v<T>;
template <class T>
concept Number = std::integral<T> && !std::same_as<T, bool>;

class Writer {
public:
    template <class T>
    void operator()(const char* key, T& value) {
        Json written = write(value);
        if (!written.is_null()) object_[key] = std::move(written);
    }
    Json take() { return std::move(object_); }

private:
    template <class T>
    static Json write(T& value) {
        if constexpr (Enum<T>) {
            return EnumNames<T>::kNames[static_cast<std::size_t>(value)];
        } else if constexpr (Number<T> || std::same_as<T, bool> || std::same_as<T, std::string> ||
                             std::same_as<T, Json>) {
            return value;
        } else {
            Writer writer;
            fields(writer, value);
            return writer.take();
        }
    }
    template <class T>
    static Json write(std::optional<T>& value) {
        return value ? write(*value) : Json();
    }
    template <class T>
    static Json write(std::vector<T>& values) {
        Json list = Json::array();
        for (auto& value : values) list.push_back(write(value));
        return list;
    }
    static Json write(std::map<std::string, std::string>& map) { return Json(map); }

    Json object_ = Json::object();
};

class Reader {
public:
    explicit Reader(const Json& object) : object_(object) {
        if (!object.is_object()) error_.emplace(Kind::corrupt, "a record must be an object");
    }
    template <class T>
    void operator()(const char* key, T& value) {
        const Json& member = json_member(object_, key);
        if (member.is_null() || error_) return;
        try {
            read(member, value);
        } catch (const Json::exception& e) {
            error_.emplace(Kind::corrupt, std::string("\"") + key + "\": " + e.what());
        }
    }
    Result<void> result() {
        if (error_) return Failure(std::move(*error_));
        return {};
    }

private:
    template <class T>
    void read(const Json& from, T& value) {
        if constexpr (Enum<T>) {
            const auto name = from.get<std::string>();
            for (std::size_t i = 0; i < EnumNames<T>::kNames.size(); ++i) {
                if (name == EnumNames<T>::kNames[i]) {
                    value = static_cast<T>(i);
                    return;
                }
            }
            error_.emplace(Kind::corrupt, "unknown value \"" + name + "\"");
        } else if constexpr (Number<T> || std::same_as<T, bool> || std::same_as<T, std::string> ||
                             std::same_as<T, Json>) {
            value = from.get<T>();
        } else {
            Reader reader(from);
            fields(reader, value);
            if (auto inner = reader.result(); !inner) error_ = std::move(inner).error();
        }
    }
    template <class T>
    void read(const Json& from, std::optional<T>& value) {
        read(from, value.emplace());
    }
    template <class T>
    void read(const Json& from, std::vector<T>& values) {
        values.clear();
        for (const auto& item : from) read(item, values.emplace_back());
    }
    void read(const Json& from, std::map<std::string, std::string>& map) { from.get_to(map); }

    const Json& object_;
    std::optional<Error> error_;
};

}  // namespace diatom::engine
