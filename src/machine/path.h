// Where in a configuration something stands: network.interfaces.eth0.addresses[0], files."/etc/motd".mode.
// Thread side: any; values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "document/value.h"

namespace diatom::machine {

class Path {
public:
    Path() = default;
    explicit Path(std::vector<std::string> parts) : parts_(std::move(parts)) {}

    // Keys are separated by dots; one with dots or blanks stands in double quotes, in which \" and \\ are escapes.
    // invalid: an empty key, an open quote, brackets without a number.
    static Result<Path> parse(std::string_view text);

    Path operator/(std::string_view key) const;
    Path item(std::size_t index) const;  // [0]
    std::string text() const;
    const std::vector<std::string>& parts() const noexcept { return parts_; }
    bool empty() const noexcept { return parts_.empty(); }

    // What stands there; nothing where there is nothing.
    const Value* find(const Value& document) const;
    // Puts it there, with the mappings on the way. invalid: something on the way is no mapping, or a list ends before.
    Result<void> set(Value& document, Value value) const;
    // True when it was there. What is empty on the way afterwards goes, too.
    bool erase(Value& document) const;

    friend auto operator<=>(const Path&, const Path&) = default;

private:
    std::vector<std::string> parts_;  // of lists: "[0]"
};

}  // namespace diatom::machine
