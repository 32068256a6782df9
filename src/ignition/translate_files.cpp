#include <algorithm>

#include "base/strings.h"
#include "document/json_reader.h"
#include "ignition/data_url.h"
#include "ignition/translate_parts.h"

namespace diatom::ignition {
namespace {

std::string octal(std::int64_t mode) { return std::format("{:04o}", mode & 0777); }

void set_owner(const Value& node, std::string_view theirs, std::string_view ours, Value& made) {
    const auto& owner = node.at(theirs);
    if (owner.has("id")) made.set(ours, marked(Value::of(std::to_string(owner.integer_of("id"))), owner));
    else if (!owner.text_of("name").empty()) made.set(ours, owner.at("name"));
}

// What files, directories and links have in common. Ignition overwrites only what it is told to.
Value node_of(const Value& node, std::string_view kind) {
    auto made = marked(Value::map(), node);
    if (kind != "file") made.set("kind", kind);
    made.set("overwrite", Value::of(node.boolean_of("overwrite")));
    if (node.has("mode")) made.set("mode", marked(Value::of(octal(node.integer_of("mode"))), node.at("mode")));
    set_owner(node, "user", "owner", made);
    set_owner(node, "group", "group", made);
    return made;
}

bool is_text(const std::string& bytes) {
    // What JSON can say as it is: UTF-8 without control characters but these.
    const auto odd = [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' && c != '\r'; };
    return std::ranges::none_of(bytes, odd) && is_utf8(bytes);
}

void set_content(std::string bytes, const Value& at, Value& made) {
    const bool text = is_text(bytes);
    made.set(text ? "content" : "content_base64",
             marked(Value::of(text ? std::move(bytes) : encode_base64(bytes)), at));
}

// Who writes the file fetches it: the bytes need not stand in the configuration.
bool can_wait(const Value& file, const Access& access) {
    const auto& contents = file.at("contents");
    const auto scheme = url_scheme(contents.text_of("source"));
    return (scheme == "http" || scheme == "https") && file.at("append").items().empty() && access.is_default() &&
           contents.text_of("compression").empty() && contents.at("httpHeaders").items().empty();
}

class FileTranslator {
public:
    FileTranslator(const Sources& sources, Report& report) : sources_(sources), report_(report) {}

    Value translate(const Value& file, const Path& path) {
        auto made = node_of(file, "file");
        const auto& contents = file.at("contents");
        if (can_wait(file, sources_.access)) {
            made.set("source", contents.at("source"));
            const auto hash = parse_hash(contents.at("verification").text_of("hash"));
            if (hash) made.set("digest", std::format("{}:{}", hash->algorithm, hash->hex));
            return made;
        }
        const bool whole = contents.has("source");
        auto bytes = whole ? take(contents, path / "contents") : std::string();
        for (std::size_t i = 0; i < file.at("append").items().size(); ++i) {
            bytes += take(file.at("append").items()[i], (path / "append").item(i));
            if (bytes.size() > kMaxResource) {
                report_.problem(file, path, "its fragments are too much together");
                return made;
            }
        }
        // Without contents a file that is there stays, and one that is not is made empty.
        if (!whole) made.set("append", Value::of(true));
        set_content(std::move(bytes), file, made);
        return made;
    }

private:
    std::string take(const Value& resource, const Path& path) {
        auto bytes = obtain(resource, sources_.access, sources_.fetch);
        if (bytes) return std::move(*bytes);
        report_.problem(resource, path, bytes.error().what());
        return {};
    }

    const Sources& sources_;
    Report& report_;
};

}  // namespace

void translate_files(const Value& storage, const Sources& sources, Value& machine, Report& report) {
    auto files = marked(Value::map(), storage);
    const auto each = [&](std::string_view kind, auto translate) {
        const auto& list = storage.at(kind).items();
        for (std::size_t i = 0; i < list.size(); ++i) {
            auto made = translate(list[i], (Path() / "storage" / kind).item(i));
            files.members().emplace_back(list[i].text_of("path"), std::move(made));
        }
    };
    each("directories", [](const Value& directory, const Path&) { return node_of(directory, "directory"); });
    each("files",
         [&](const Value& file, const Path& path) { return FileTranslator(sources, report).translate(file, path); });
    each("links", [](const Value& link, const Path&) {
        auto made = node_of(link, link.boolean_of("hard") ? "hardlink" : "symlink");
        made.set("target", link.at("target"));
        return made;
    });
    if (!files.members().empty()) machine.set("files", std::move(files));
}

}  // namespace diatom::ignition
