#include "machine/check.h"

#include <algorithm>
#include <ranges>

#include "base/strings.h"

namespace diatom::machine {
namespace {

class Checker {
public:
    void check(const Value& value, const Type& type, const Path& path) {
        // Nothing said: a key that takes away what a source of lower precedence says.
        if (value.is_null()) return;
        switch (type.form) {
            case Form::text: return check_text(value, type, path);
            case Form::number: return check_number(value, type, path);
            case Form::boolean:
                if (value.type() != Value::Type::boolean) wrong(value, path, "true or false");
                return;
            case Form::list: return check_list(value, type, path);
            case Form::map:
            case Form::object: return check_members(value, type, path);
            case Form::command: return check_command(value, path);
            case Form::compose:
                if (!value.is_map()) wrong(value, path, "a service as in a Compose file");
                return;
        }
    }

    std::vector<Problem> problems;

private:
    void add(Problem::Kind kind, const Value& value, const Path& path, std::string_view message) {
        problems.push_back({kind, path, value.error(path.text(), message).error().what()});
    }

    void wrong(const Value& value, const Path& path, std::string_view wanted) {
        add(Problem::Kind::wrong_value, value, path, std::format("must be {}, not {}", wanted, describe(value.type())));
    }

    void check_text(const Value& value, const Type& type, const Path& path) {
        const bool scalar = !value.is_list() && !value.is_map();
        // 8080 and yes mean themselves where any text will do; a mode without quotes would be another number.
        if (!scalar || (type.format != nullptr && !value.is_text())) return wrong(value, path, wanted_text(type));
        const auto text = value.scalar_text();
        if (type.format != nullptr && !type.format->valid(text)) {
            const auto shown = type.secret ? std::string("the value") : std::format("\"{}\"", text);
            add(Problem::Kind::wrong_value, value, path, std::format("{} is not {}", shown, type.format->means));
        }
        if (!type.choices.empty() && !std::ranges::contains(type.choices, text)) {
            const std::vector<std::string> choices(type.choices.begin(), type.choices.end());
            add(Problem::Kind::wrong_value, value, path,
                std::format("\"{}\" must be one of {}", text, join(choices, ", ")));
        }
    }

    static std::string_view wanted_text(const Type& type) {
        return type.format != nullptr ? type.format->means : "text";
    }

    void check_number(const Value& value, const Type& type, const Path& path) {
        if (value.type() != Value::Type::integer) return wrong(value, path, "a whole number");
        if (value.integer() >= type.least && value.integer() <= type.most) return;
        add(Problem::Kind::wrong_value, value, path,
            type.most == INT64_MAX ? std::format("must be at least {}", type.least)
                                   : std::format("must be from {} to {}", type.least, type.most));
    }

    void check_list(const Value& value, const Type& type, const Path& path) {
        if (!value.is_list()) return wrong(value, path, "a list");
        for (std::size_t i = 0; i < value.items().size(); ++i) check(value.items()[i], *type.item, path.item(i));
    }

    void check_members(const Value& value, const Type& type, const Path& path) {
        if (!value.is_map()) return wrong(value, path, "a mapping");
        for (const auto& [key, member] : value.members()) {
            const auto* below = member_type(type, key);
            if (below == nullptr) {
                unknown(member, type, path / key, key);
            } else if (type.format != nullptr && !type.format->valid(key)) {
                add(Problem::Kind::wrong_value, member, path / key,
                    std::format("\"{}\" is not {}", key, type.format->means));
            } else {
                check(member, *below, path / key);
            }
        }
    }

    void unknown(const Value& value, const Type& type, const Path& path, std::string_view key) {
        std::vector<std::string_view> names;
        for (const auto& known : type.keys) names.push_back(known.name);
        const auto near = nearest(key, names);
        add(Problem::Kind::unknown_key, value, path,
            near ? std::format("unknown key: did you mean \"{}\"?", *near) : std::string("unknown key"));
    }

    void check_command(const Value& value, const Path& path) {
        if (value.is_text()) return;
        const bool is_words =
            value.is_list() && !value.items().empty() && std::ranges::all_of(value.items(), [](const Value& word) {
                return !word.is_list() && !word.is_map() && !word.is_null();
            });
        if (!is_words) wrong(value, path, "a command line, or a list of its words");
    }
};

}  // namespace

std::vector<Problem> check(const Value& document, const Type& type) {
    Checker checker;
    checker.check(document, type, {});
    return std::move(checker.problems);
}

std::vector<Problem> keep_valid(Value& document) {
    auto problems = check(document);
    // From the end, so that the numbers of a list's items before it stay what they are.
    for (const auto& problem : problems | std::views::reverse) {
        if (problem.path.empty()) document = Value::map();
        else problem.path.erase(document);
    }
    return problems;
}

Result<void> require_valid(const Value& document) {
    const auto problems = check(document);
    if (problems.empty()) return {};
    const auto others = problems.size() == 1 ? std::string() : std::format(" (and {} more)", problems.size() - 1);
    return fail(diatom::Kind::invalid, "{}{}", problems.front().text, others);
}

Value without_secrets(const Value& document, const Type& type) {
    if (type.secret && !document.is_null()) return Value::of("(secret)");
    Value shown = document;
    if (shown.is_list() && type.item != nullptr) {
        for (auto& item : shown.items()) item = without_secrets(item, *type.item);
    }
    if (shown.is_map()) {
        for (auto& [key, member] : shown.members()) {
            if (const auto* below = member_type(type, key)) member = without_secrets(member, *below);
        }
    }
    return shown;
}

}  // namespace diatom::machine
