#include "cloud/jinja.h"

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "cloud/jinja_expression.h"

namespace diatom::cloud {
namespace jinja {
namespace {

struct Node {
    enum class Kind : std::uint8_t { text, output, choice, loop };
    struct Branch {
        Expression condition;
        std::vector<Node> body;
        std::uint32_t line = 0;
    };
    Kind kind;
    std::uint32_t line;
    std::string_view text = {};
    Expression expression = {};             // of an output, and what a loop runs over
    std::vector<std::string> targets = {};  // of a loop
    std::vector<Branch> branches = {};      // of a choice; of a loop its body
    std::vector<Node> otherwise = {};
};

class Parser {
public:
    Parser(std::vector<Segment> segments, std::uint32_t& line) : segments_(std::move(segments)), line_(line) {}

    Result<std::vector<Node>> parse() {
        auto nodes = TRY(parse_until({}));
        if (at_ < segments_.size()) return fail(diatom::Kind::invalid, "\"{}\" without its beginning", word());
        return nodes;
    }

private:
    using Words = std::span<const std::string_view>;

    std::string word() const {
        const auto words = split_words(segments_[at_].content);
        return words.empty() ? std::string() : std::string(words.front());
    }

    // Stops before a block that begins with one of the words.
    Result<std::vector<Node>> parse_until(Words ends) {
        if (++depth_ > kMaxJinjaDepth) return fail(diatom::Kind::exhausted, "blocks in blocks too deeply");
        std::vector<Node> nodes;
        for (; at_ < segments_.size();) {
            const auto& segment = segments_[at_];
            line_ = segment.line;
            if (segment.kind == Segment::Kind::text) {
                nodes.push_back({Node::Kind::text, segment.line, segment.content});
                ++at_;
            } else if (segment.kind == Segment::Kind::output) {
                nodes.push_back({Node::Kind::output, segment.line});
                nodes.back().expression = TRY(whole_expression(segment.content));
                ++at_;
            } else {
                const auto name = word();
                if (is_end(name)) break;
                nodes.push_back(TRY(parse_block(name)));
            }
        }
        if (!ends.empty() && (at_ == segments_.size() || !std::ranges::contains(ends, word())))
            return fail(diatom::Kind::invalid, "\"{}\" is missing", ends.back());
        --depth_;
        return nodes;
    }

    static bool is_end(std::string_view name) {
        static constexpr std::array<std::string_view, 4> kEnds{"elif", "else", "endif", "endfor"};
        return std::ranges::contains(kEnds, name);
    }

    Result<Node> parse_block(const std::string& name) {
        if (name == "if") return parse_choice();
        if (name == "for") return parse_loop();
        return fail(diatom::Kind::unsupported, "\"{}\" is not taken here: of blocks there are if, for and raw", name);
    }

    static Result<Expression> whole_expression(std::string_view text) {
        Tokens tokens(TRY(cut_expression(text)));
        return rest_of(tokens);
    }

    static Result<Expression> rest_of(Tokens& tokens) {
        auto expression = TRY(parse_expression(tokens));
        if (!tokens.at_end()) return fail(diatom::Kind::invalid, "\"{}\" stands where nothing can", tokens.peek().text);
        return expression;
    }

    Result<Node> parse_choice() {
        static constexpr std::array<std::string_view, 3> kNext{"elif", "else", "endif"};
        Node node{Node::Kind::choice, line_};
        auto name = word();
        while (name == "if" || name == "elif") {
            Node::Branch branch;
            branch.line = segments_[at_].line;
            Tokens tokens(TRY(cut_expression(segments_[at_++].content)));
            tokens.take();
            branch.condition = TRY(rest_of(tokens));
            branch.body = TRY(parse_until(kNext));
            node.branches.push_back(std::move(branch));
            name = word();
        }
        if (name == "else") {
            ++at_;
            node.otherwise = TRY(parse_until(std::span(kNext).last(1)));
        }
        ++at_;
        return node;
    }

    Result<Node> parse_loop() {
        static constexpr std::array<std::string_view, 2> kNext{"else", "endfor"};
        Node node{Node::Kind::loop, line_};
        Tokens tokens(TRY(cut_expression(segments_[at_++].content)));
        tokens.take();
        do {
            const auto target = tokens.take();
            if (target.kind != Token::Kind::name) return fail(diatom::Kind::invalid, "for NAME in LIST");
            node.targets.push_back(target.text);
        } while (tokens.take_sign(","));
        if (!tokens.take_word("in")) return fail(diatom::Kind::invalid, "for NAME in LIST");
        node.expression = TRY(rest_of(tokens));
        node.branches.emplace_back();
        node.branches[0].body = TRY(parse_until(kNext));
        if (word() == "else") {
            ++at_;
            node.otherwise = TRY(parse_until(std::span(kNext).last(1)));
        }
        ++at_;
        return node;
    }

    std::vector<Segment> segments_;
    std::uint32_t& line_;
    std::size_t at_ = 0;
    int depth_ = 0;
};

class Renderer {
public:
    Renderer(const Value& data, std::uint32_t& line) : scope_(data), line_(line) {}

    Result<void> render(const std::vector<Node>& nodes) {
        for (const auto& node : nodes) {
            line_ = node.line;
            if (++steps_ > kMaxJinjaSteps) return fail(diatom::Kind::exhausted, "the template takes too many steps");
            switch (node.kind) {
                case Node::Kind::text: TRY(put(node.text, node.line, true)); break;
                case Node::Kind::output: TRY(put_value(node)); break;
                case Node::Kind::choice: TRY(choose(node)); break;
                case Node::Kind::loop: TRY(loop(node)); break;
            }
        }
        return {};
    }

    Rendered rendered;

private:
    Result<void> put(std::string_view text, std::uint32_t line, bool counts) {
        if (rendered.text.size() + text.size() > kMaxRendered)
            return fail(diatom::Kind::exhausted, "what the template gives is too large");
        for (const char c : text) {
            if (at_start_) rendered.lines.push_back(line);
            at_start_ = c == '\n';
            if (counts && c == '\n') ++line;
        }
        rendered.text += text;
        return {};
    }

    Result<void> put_value(const Node& node) {
        const auto found = TRY(evaluate(node.expression, scope_));
        if (found.value != nullptr) return put(printed(*found.value), node.line, false);
        rendered.missing.push_back({found.name, node.line});
        // cloud-init's marker has the last name alone.
        const auto dot = found.name.ends_with(']') ? std::string::npos : found.name.rfind('.');
        return put("CI_MISSING_JINJA_VAR/" + found.name.substr(dot == std::string::npos ? 0 : dot + 1), node.line,
                   false);
    }

    Result<void> choose(const Node& node) {
        for (const auto& branch : node.branches) {
            line_ = branch.line;
            if (is_true(TRY(evaluate(branch.condition, scope_)))) return render(branch.body);
        }
        return render(node.otherwise);
    }

    Result<void> loop(const Node& node) {
        const auto found = TRY(evaluate(node.expression, scope_));
        auto items = Value::list();
        if (found.value != nullptr && found.value->is_map()) {
            for (const auto& member : found.value->members()) items.add(Value::of(member.first));
        } else if (found.value != nullptr) {
            if (!found.value->is_list()) return fail(diatom::Kind::invalid, "a loop runs over a list or a mapping");
            items = *found.value;
        }
        const auto size = items.items().size();
        if (size == 0) return render(node.otherwise);
        steps_ += size;
        for (std::size_t i = 0; i < size; ++i) TRY(render_item(node, items.items()[i], i, size));
        return {};
    }

    Result<void> render_item(const Node& node, const Value& item, std::size_t i, std::size_t size) {
        const auto count = node.targets.size();
        if (count > 1 && (!item.is_list() || item.items().size() != count))
            return fail(diatom::Kind::invalid, "a loop with {} names runs over lists of as many", count);
        auto about = Value::map();
        about.set("index", Value::of(static_cast<std::int64_t>(i + 1)));
        about.set("index0", Value::of(static_cast<std::int64_t>(i)));
        about.set("length", Value::of(static_cast<std::int64_t>(size)));
        about.set("first", Value::of(i == 0));
        about.set("last", Value::of(i + 1 == size));
        scope_.push("loop", std::move(about));
        for (std::size_t k = 0; k < count; ++k) scope_.push(node.targets[k], count == 1 ? item : item.items()[k]);
        TRY(render(node.branches[0].body));
        scope_.pop(count + 1);
        return {};
    }

    Scope scope_;
    std::uint32_t& line_;
    std::size_t steps_ = 0;
    bool at_start_ = true;
};

Result<Rendered> render(std::string_view text, const Value& data, std::uint32_t& line) {
    const auto first_end = text.find('\n');
    line = 2;
    auto segments = TRY(cut_template(first_end == std::string_view::npos ? "" : text.substr(first_end + 1), line));
    const auto nodes = TRY(Parser(std::move(segments), line).parse());
    Renderer renderer(data, line);
    TRY(renderer.render(nodes));
    return std::move(renderer.rendered);
}

}  // namespace
}  // namespace jinja

std::expected<Rendered, JinjaError> render_jinja(std::string_view text, const Value& data) {
    std::uint32_t line = 1;
    // Blank lines before the first line are no part of it.
    const auto begin = std::min(text.find_first_not_of(" \t\r\n"), text.size());
    const auto before = static_cast<std::uint32_t>(std::ranges::count(text.substr(0, begin), '\n'));
    auto rendered = jinja::render(text.substr(begin), data, line);
    if (!rendered) return std::unexpected(JinjaError{rendered.error().what(), line + before});
    for (auto& one : rendered->lines) one += before;
    for (auto& one : rendered->missing) one.line += before;
    return std::move(*rendered);
}

}  // namespace diatom::cloud
