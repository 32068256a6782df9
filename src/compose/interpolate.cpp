#include "compose/interpolate.h"

#include <array>

namespace diatom::compose {
namespace {

constexpr int kMaxNesting = 32;

bool is_name_start(char c) { return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_name(char c) { return is_name_start(c) || (c >= '0' && c <= '9'); }

std::string_view take_name(std::string_view text) {
    std::size_t end = 0;
    while (end < text.size() && (end == 0 ? is_name_start(text[end]) : is_name(text[end]))) ++end;
    return text.substr(0, end);
}

// The index of the brace that closes the one at text[0].
std::size_t closing_brace(std::string_view text) {
    int open = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '{') ++open;
        if (text[i] == '}' && --open == 0) return i;
    }
    return std::string_view::npos;
}

class Interpolation {
public:
    explicit Interpolation(const Variables& variables) : variables_(variables) {}

    Result<std::string> run(std::string_view text, int depth) {
        if (depth > kMaxNesting) return fail(Kind::invalid, "variables are nested too deeply");
        std::string out;
        while (!text.empty()) {
            const auto dollar = text.find('$');
            out += text.substr(0, dollar);
            if (dollar == std::string_view::npos) break;
            text.remove_prefix(dollar + 1);
            if (text.starts_with('$')) {
                out += '$';
                text.remove_prefix(1);
            } else if (text.starts_with('{')) {
                const auto end = closing_brace(text);
                if (end == std::string_view::npos) return malformed(text);
                out += TRY(braced(text.substr(1, end - 1), depth));
                text.remove_prefix(end + 1);
            } else if (const auto name = take_name(text); !name.empty()) {
                out += value_or_warn(name);
                text.remove_prefix(name.size());
            } else {
                out += '$';
            }
        }
        return out;
    }

private:
    static Failure malformed(std::string_view text) {
        return fail(Kind::invalid, "\"${}\" is no variable: write ${{NAME}}, or $$ for a dollar sign", text);
    }

    const std::string* find(std::string_view name) const {
        const auto it = variables_.values.find(name);
        return it == variables_.values.end() ? nullptr : &it->second;
    }

    std::string value_or_warn(std::string_view name) const {
        if (const auto* value = find(name)) return *value;
        if (variables_.unset) variables_.unset(name);
        return {};
    }

    // What stands between the braces.
    Result<std::string> braced(std::string_view text, int depth) {
        const auto name = take_name(text);
        auto rest = text.substr(name.size());
        if (name.empty()) return malformed(std::format("{{{}}}", text));
        if (rest.empty()) return value_or_warn(name);
        const bool empty_counts_as_unset = rest.starts_with(':');
        if (empty_counts_as_unset) rest.remove_prefix(1);
        const char operation = rest.empty() ? 0 : rest.front();
        const auto word = rest.substr(rest.empty() ? 0 : 1);
        const auto* value = find(name);
        const bool is_set = value != nullptr && !(empty_counts_as_unset && value->empty());
        switch (operation) {
            case '-': return is_set ? Result<std::string>(*value) : run(word, depth + 1);
            case '+': return is_set ? run(word, depth + 1) : Result<std::string>(value != nullptr ? *value : "");
            case '?': break;
            default: return malformed(std::format("{{{}}}", text));
        }
        if (is_set) return *value;
        const auto reason = TRY(run(word, depth + 1));
        return fail(Kind::invalid, "required variable {} is missing a value{}{}: set it in the environment or in .env",
                    name, reason.empty() ? "" : ": ", reason);
    }

    const Variables& variables_;
};

}  // namespace

Result<std::string> interpolate(std::string_view text, const Variables& variables) {
    return Interpolation(variables).run(text, 0);
}

Result<void> interpolate_tree(Value& value, const Variables& variables, const std::string& path) {
    if (value.is_text() && value.text().contains('$')) {
        auto text = interpolate(value.text(), variables);
        if (!text) return value.error(path, text.error().what());
        auto changed = Value::of(std::move(*text));
        changed.set_mark(value.mark());
        changed.set_tag(value.tag());
        value = std::move(changed);
    }
    for (std::size_t i = 0; i < value.items().size(); ++i) {
        TRY(interpolate_tree(value.items()[i], variables, std::format("{}[{}]", path, i)));
    }
    if (!value.is_map()) return {};
    for (auto& [key, member] : value.members()) {
        TRY(interpolate_tree(member, variables, path.empty() ? key : std::format("{}.{}", path, key)));
    }
    return {};
}

}  // namespace diatom::compose
