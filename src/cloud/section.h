// A mapping of a user's document and where it stands: typed reading that warns of what does not fit and goes on.
// Scalars are taken as YAML 1.1 has them, which is what cloud-init and RancherOS read: yes, on, "true" and 1 are true.
// Thread side: any; refers to the value and the notes, which outlive it.
#pragma once

#include <functional>
#include <optional>

#include "cloud/notes.h"

namespace diatom::cloud {

// Scalars by themselves; nothing where they are none of the type.
std::optional<bool> truth(const Value& value);
std::optional<std::int64_t> whole(const Value& value);

// `made` with the place of what it is made of.
Value placed(Value made, const Value& from);

class Section {
public:
    Section(const Value& value, machine::Path path, Notes& notes)
        : value_(&value), path_(std::move(path)), notes_(&notes) {}

    // Whether it is a mapping; a warning where it is something else.
    bool expect(std::span<const Known> known) const;

    const Value& value() const noexcept { return *value_; }
    const machine::Path& path() const noexcept { return path_; }
    Notes& notes() const noexcept { return *notes_; }

    // What a key holds, '-' and '_' being the same; nothing for null.
    const Value* find(std::string_view key) const;
    bool has(std::string_view key) const { return find(key) != nullptr; }
    machine::Path at(std::string_view key) const { return path_ / key; }

    std::optional<std::string> text(std::string_view key) const;
    std::optional<bool> flag(std::string_view key) const;
    std::optional<std::int64_t> number(std::string_view key) const;
    // A list of texts, or one text: that is split at `separators` where there are any. Always a list.
    std::optional<Value> texts(std::string_view key, std::string_view separators = {}) const;

    // The same into a member of a document, with its place.
    void text_to(std::string_view key, Value& target, std::string_view name) const;
    void flag_to(std::string_view key, Value& target, std::string_view name) const;
    void number_to(std::string_view key, Value& target, std::string_view name) const;
    void texts_to(std::string_view key, Value& target, std::string_view name, std::string_view separators = {}) const;

    // A section below; nothing where the key is missing or holds something else, of which it warns.
    std::optional<Section> below(std::string_view key) const;
    // Each item of a list. What is no list is warned of.
    void each(std::string_view key, const std::function<void(const Value& item, const machine::Path& path)>& see) const;

    void refuse(std::string_view key, std::string_view why) const;  // where the key is there
    void bad(std::string_view key, std::string_view why) const;

private:
    const Value* value_;
    machine::Path path_;
    Notes* notes_;
};

}  // namespace diatom::cloud
