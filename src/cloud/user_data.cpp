#include "cloud/user_data.h"

#include <algorithm>

#include "base/strings.h"
#include "cloud/content_type.h"
#include "cloud/gzip.h"
#include "cloud/jinja.h"
#include "cloud/mime.h"
#include "cloud/section.h"
#include "document/yaml_reader.h"

namespace diatom::cloud {
namespace {

// A piece of user-data on its way to be parts.
struct Piece {
    Content content = Content::by_content;
    std::string bytes;
    std::string file;
    std::uint32_t line = 1;
    std::string name;
    std::string merge_how;
    std::string launch_index;
    std::vector<std::uint32_t> lines = {};
};

// A piece of the same kind somewhere else.
Piece within(const Piece& piece, Content content, std::string bytes) {
    return {content, std::move(bytes), piece.file, piece.line, piece.name, piece.merge_how, piece.launch_index};
}

// A cloud-config says by a key what other parts say by their header.
std::optional<std::int64_t> index_within(const Piece& piece) {
    if (content_of_text(piece.bytes) != Content::cloud_config) return std::nullopt;
    const auto documents = read_yaml(piece.bytes, piece.file);
    if (!documents || documents->empty()) return std::nullopt;
    return whole(documents->front().at("launch-index"));
}

class Expander {
public:
    explicit Expander(const Sources& sources) : sources_(sources) {}

    void add_whole(Piece piece, int depth);
    UserData take() { return {std::move(parts_), notes_.take()}; }

private:
    void add(Piece piece, int depth);
    void add_message(const Piece& piece, int depth);
    void add_included(const Piece& piece, int depth);
    void add_archive(const Piece& piece, int depth);
    void add_archived(const Value& entry, const Piece& archive, int depth);
    void add_rendered(const Piece& piece);
    void add_by_content(Piece piece, int depth);
    void finish(Piece piece, Part::Kind kind);

    bool is_for_others(const Piece& piece) const {
        if (!sources_.launch_index) return false;
        auto index = parse_int(trim(piece.launch_index));
        if (!index) index = index_within(piece);
        return index && *index != *sources_.launch_index;
    }
    void warn(const Piece& piece, std::string_view why, std::uint32_t line = 0) {
        Value place;
        place.set_mark({std::make_shared<const std::string>(piece.file), line == 0 ? piece.line : line});
        notes_.bad(place, {}, why);
    }

    const Sources& sources_;
    std::vector<Part> parts_;
    Notes notes_;
    std::size_t bytes_ = 0, fetched_ = 0;
};

void Expander::add(Piece piece, int depth) {
    if (is_for_others(piece)) return;
    switch (piece.content) {
        case Content::cloud_config:
            if (content_of_text(piece.bytes) == Content::jinja) return add_rendered(piece);
            return finish(std::move(piece), Part::Kind::cloud_config);
        case Content::script: return finish(std::move(piece), Part::Kind::script);
        case Content::script_each_boot: return finish(std::move(piece), Part::Kind::script_each_boot);
        case Content::script_once: return finish(std::move(piece), Part::Kind::script_once);
        case Content::boothook: return finish(std::move(piece), Part::Kind::boothook);
        case Content::include:
        case Content::include_once: return add_included(piece, depth);
        case Content::archive: return add_archive(piece, depth);
        case Content::jinja: return add_rendered(piece);
        case Content::by_content: return add_by_content(std::move(piece), depth);
        case Content::gzip: {
            auto plain = gunzip(piece.bytes, kMaxUserData);
            if (!plain) return warn(piece, plain.error().what());
            return add_by_content(within(piece, Content::by_content, std::move(*plain)), depth);
        }
        case Content::part_handler:
            return warn(piece, "a part handler is Python code inside cloud-init, and neither is here: use a script");
        case Content::json_patch:
            return warn(piece, "patches of cloud-config (jsonp) are not applied: write what they would give");
        case Content::unknown: return warn(piece, "nothing here reads a part of this type");
    }
}

// What no header describes: as a whole, and what gzip or base64 turns out to hold.
void Expander::add_whole(Piece piece, int depth) {
    if (is_gzip(piece.bytes)) {
        auto plain = gunzip(piece.bytes, kMaxUserData);
        if (!plain) return warn(piece, plain.error().what());
        piece.bytes = std::move(*plain);
    }
    if (is_mime(piece.bytes)) return add_message(piece, depth);
    if (content_of_text(piece.bytes) == Content::unknown && !is_ignition(piece.bytes)) {
        std::string packed;
        std::ranges::copy_if(piece.bytes, std::back_inserter(packed), [](char c) { return c < 0 || c > ' '; });
        // Some platforms hand over what their API took: base64.
        if (auto decoded = decode_base64(packed); decoded && depth < kMaxIncludes && !packed.empty()) {
            const bool known = is_gzip(*decoded) || is_mime(*decoded) || is_ignition(*decoded) ||
                               content_of_text(*decoded) != Content::unknown;
            if (known) return add_whole(within(piece, Content::by_content, std::move(*decoded)), depth + 1);
        }
    }
    add_by_content(std::move(piece), depth);
}

void Expander::add_message(const Piece& piece, int depth) {
    auto parts = read_mime(piece.bytes);
    if (!parts) return warn(piece, parts.error().what());
    std::size_t number = 0;
    for (auto& part : *parts) {
        ++number;
        Piece next{content_of_type(part.type), std::move(part.body), piece.file, piece.line + part.line - 1, part.name};
        if (!part.is_verbatim || next.content == Content::gzip) {
            const auto named = part.name.empty() ? std::string() : std::format(" ({})", part.name);
            next.file = std::format("{} part {}{}", piece.file, number, named);
            next.line = 1;
        }
        next.merge_how = part.header("merge-type");
        if (next.merge_how.empty()) next.merge_how = part.header("x-merge-type");
        next.launch_index = part.header("launch-index");
        if (next.content == Content::unknown) {
            warn(next, std::format("nothing here reads a part of type {}", part.type));
            continue;
        }
        add(std::move(next), depth);
    }
}

void Expander::add_by_content(Piece piece, int depth) {
    if (is_ignition(piece.bytes)) return finish(std::move(piece), Part::Kind::ignition);
    if (is_gzip(piece.bytes)) {
        piece.content = Content::gzip;
        return add(std::move(piece), depth);
    }
    piece.content = content_of_text(piece.bytes);
    if (piece.content != Content::unknown) return add(std::move(piece), depth);
    if (trim(piece.bytes).empty()) return;
    warn(
        piece,
        "this is neither cloud-config (its first line would be #cloud-config), nor a script (#!), nor Ignition's JSON, "
        "nor anything else that cloud-init knows");
}

// A line each; "#include URL" is one, too, and what follows an #include-once may be kept.
void Expander::add_included(const Piece& piece, int depth) {
    if (depth >= kMaxIncludes) return warn(piece, "too many #include in what was included");
    bool once = piece.content == Content::include_once;
    auto number = piece.line;
    for (auto line : split(piece.bytes, '\n')) {
        const auto at = number++;
        const auto lower = to_lower(line.substr(0, 13));
        if (lower == "#include-once" || lower.starts_with("#include")) {
            once = lower == "#include-once";
            line.remove_prefix(once ? 13 : 8);
        }
        const std::string url(trim(line));
        if (url.empty() || url.starts_with('#')) continue;
        if (++fetched_ > kMaxParts) return warn(piece, "too many #include", at);
        if (!sources_.fetch) {
            warn(piece, std::format("{}: nothing can be fetched here", shown_url(url)), at);
            continue;
        }
        auto fetched = sources_.fetch(url, once);
        if (!fetched) {
            warn(piece, std::format("{}: {}", shown_url(url), fetched.error().what()), at);
            continue;
        }
        if (fetched->size() > kMaxUserData) {
            warn(piece, std::format("{}: larger than user-data may be", shown_url(url)), at);
            continue;
        }
        add_whole({.bytes = std::move(*fetched), .file = shown_url(url)}, depth + 1);
    }
}

void Expander::add_archive(const Piece& piece, int depth) {
    if (depth >= kMaxIncludes) return warn(piece, "archives in archives too deeply");
    auto documents = read_yaml_values(std::string(piece.line - 1, '\n') + piece.bytes, piece.file);
    if (!documents) return warn(piece, documents.error().what());
    if (documents->size() != 1 || !documents->front().is_list()) {
        return warn(piece, "a cloud-config-archive is a list of {type, content}");
    }
    for (const auto& entry : documents->front().items()) add_archived(entry, piece, depth + 1);
}

void Expander::add_archived(const Value& entry, const Piece& archive, int depth) {
    const bool is_whole = entry.is_text();
    if (!is_whole && !entry.is_map()) return notes_.wrong(entry, {}, "text, or a mapping with type and content");
    const auto& content = is_whole ? entry : entry.at("content");
    Piece piece{.bytes = content.scalar_text(), .file = archive.file, .line = std::max(content.mark().line, 1U)};
    // What is written as a block begins on the line after its key.
    if (piece.bytes.contains('\n')) ++piece.line;
    if (entry.is_map()) {
        piece.name = entry.text_of("filename");
        piece.launch_index = entry.at("launch-index").scalar_text();
        for (const auto& [key, value] : entry.members()) {
            const auto lower = to_lower(key);
            if (lower == "merge-type" || (lower == "x-merge-type" && piece.merge_how.empty()))
                piece.merge_how = value.scalar_text();
        }
    }
    const auto type = is_whole ? std::string() : to_lower(entry.text_of("type"));
    if (!type.empty()) {
        piece.content = content_of_type(type);
        if (piece.content == Content::unknown)
            return notes_.bad(entry.at("type"), {}, "nothing here reads a part of this type");
    } else if (content_of_text(piece.bytes) == Content::unknown) {
        piece.content = Content::cloud_config;
    }
    add(std::move(piece), depth);
}

void Expander::add_rendered(const Piece& piece) {
    static const Value kNoData = Value::map();
    const auto& data = sources_.instance_data != nullptr ? *sources_.instance_data : kNoData;
    auto rendered = render_jinja(piece.bytes, data);
    if (!rendered) {
        return warn(piece, rendered.error().message, piece.line + rendered.error().line - 1);
    }
    for (const auto& missing : rendered->missing) {
        warn(piece, std::format("{}: the instance's data has no such value", missing.name),
             piece.line + missing.line - 1);
    }
    const auto content = content_of_text(rendered->text);
    auto next = within(piece, content, std::move(rendered->text));
    next.lines = std::move(rendered->lines);
    if (next.content != Content::cloud_config && next.content != Content::script && next.content != Content::boothook) {
        return warn(piece, "a template has to give a cloud-config or a script: its second line says which");
    }
    const auto kind = next.content == Content::cloud_config ? Part::Kind::cloud_config
                      : next.content == Content::script     ? Part::Kind::script
                                                            : Part::Kind::boothook;
    finish(std::move(next), kind);
}

void Expander::finish(Piece piece, Part::Kind kind) {
    bytes_ += piece.bytes.size();
    if (parts_.size() == kMaxParts || bytes_ > kMaxUserData) {
        return warn(piece, "left out: all that came before is as much as user-data may be");
    }
    auto name = piece.name.empty() ? std::format("part-{:03}", parts_.size() + 1) : piece.name;
    // It becomes the name of a file.
    std::ranges::replace_if(
        name, [](char c) { return c == '/' || static_cast<unsigned char>(c) < ' ' || c == 0x7f; }, '_');
    if (kind == Part::Kind::boothook) {
        const auto begin = std::min(piece.bytes.find_first_not_of(" \t\r\n"), piece.bytes.size());
        if (to_lower(piece.bytes.substr(begin, 15)) == "#cloud-boothook") {
            const auto end = piece.bytes.find('\n', begin);
            const auto cut_off = end == std::string::npos ? piece.bytes.size() : end + 1;
            piece.line += static_cast<std::uint32_t>(std::ranges::count(piece.bytes.substr(0, cut_off), '\n'));
            piece.bytes.erase(0, cut_off);
        }
    }
    parts_.push_back({kind, std::move(name), std::move(piece.bytes), std::move(piece.file), piece.line,
                      std::move(piece.lines), std::move(piece.merge_how)});
}

void move_marks(Value& value, const Part& part, const std::shared_ptr<const std::string>& file) {
    value.set_mark({file, part.line_of(value.mark().line)});
    for (auto& item : value.items()) move_marks(item, part, file);
    if (!value.is_map()) return;
    for (auto& member : value.members()) move_marks(member.second, part, file);
}

}  // namespace

std::uint32_t Part::line_of(std::uint32_t line) const noexcept {
    const auto inside = line > 0 && line <= lines.size() ? lines[line - 1] : std::max(line, 1U);
    return first_line + inside - 1;
}

bool is_cloud_init(std::string_view bytes) {
    return is_gzip(bytes) || is_mime(bytes) || content_of_text(bytes) != Content::unknown;
}

UserData read_user_data(std::string_view bytes, const std::string& file, const Sources& sources) {
    Expander expander(sources);
    expander.add_whole({.bytes = std::string(bytes), .file = file}, 0);
    return expander.take();
}

Result<Value> read_cloud_config(const Part& part) {
    const bool rendered = !part.lines.empty();
    // Lines before it let errors count as the file does.
    const auto before = rendered ? std::string() : std::string(part.first_line - 1, '\n');
    auto documents = TRY(read_yaml(before + part.content, part.file));
    if (documents.empty()) return Value::map();
    if (documents.size() > 1) {
        return documents[1].error("", "a cloud-config is one document: what follows --- belongs into another part");
    }
    auto config = std::move(documents.front());
    if (rendered) move_marks(config, part, std::make_shared<const std::string>(part.file));
    return config;
}

std::string shown_url(std::string_view url) {
    auto text = url.substr(0, url.find_first_of("?#"));
    const auto scheme = text.find("://");
    if (scheme == std::string_view::npos) return std::string(text);
    const auto host = text.substr(scheme + 3);
    const auto at = host.substr(0, host.find('/')).rfind('@');
    return std::string(text.substr(0, scheme + 3)) +
           std::string(at == std::string_view::npos ? host : host.substr(at + 1));
}

}  // namespace diatom::cloud
